"""Systems worked by hand."""
