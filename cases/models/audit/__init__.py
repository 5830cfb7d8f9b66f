"""Audit events: the model, the codes of actions, and what an event may hold."""
