"""Intake: cases opened from the desk, from forms and from the API."""
