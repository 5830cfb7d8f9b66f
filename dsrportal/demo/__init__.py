"""Demo data and the playback of demo cases."""
