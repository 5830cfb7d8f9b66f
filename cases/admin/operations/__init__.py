"""Operations: callbacks, certificates, jobs, health."""
