"""Sections of a case's page that the pages of verbs show too."""
