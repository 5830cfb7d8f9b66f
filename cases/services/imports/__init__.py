"""Imports: cases opened from files."""
