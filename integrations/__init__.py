"""Integrations: the border to processors. Imports nothing of the cases."""
