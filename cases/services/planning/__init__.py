"""Planning: what is asked of which processor, approved, and held."""
