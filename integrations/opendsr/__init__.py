"""OpenDSR v3, free of any vendor."""
