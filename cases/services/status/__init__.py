"""Status texts, computed for the desk and never stored."""
