"""Work on the list of cases: assigning, saved views, exports, presence."""
