"""Models of the intake: sources, receipts and imports."""
