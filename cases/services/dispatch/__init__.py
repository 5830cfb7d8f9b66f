"""Dispatch: what is sent to processors, when, and under whose lease."""
