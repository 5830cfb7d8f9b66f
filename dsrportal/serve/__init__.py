"""Servers of our own on one machine: PostgreSQL, Valkey, and the supervisor of processes."""
