"""Results: packages that processors return."""
