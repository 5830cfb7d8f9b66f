"""Tables that `0001_initial` makes, a module for each noun. Each list comes after those it links to."""
