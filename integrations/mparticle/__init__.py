"""mParticle: OpenDSR, IDSync, Events and the platform API."""
