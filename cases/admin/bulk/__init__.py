"""Bulk runs on the desk: starting, previewing, following."""
