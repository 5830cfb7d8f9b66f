"""Intake on the desk: the opening form, imports, intake sources."""
