"""Processors on the desk: list, form, verbs, connection test."""
