"""Users, roles, settings and verification rules."""
