"""Closing: how a case ends, and what is confirmed before it does."""
