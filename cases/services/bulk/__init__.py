"""Bulk runs: one verb for many cases, previewed, then worked through in the background."""
