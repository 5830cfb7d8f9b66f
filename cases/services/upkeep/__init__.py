"""Upkeep: what the schedule does so that nothing is forgotten or kept too long."""
