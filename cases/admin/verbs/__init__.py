"""Verbs of a case: one table, one page, one form each."""
