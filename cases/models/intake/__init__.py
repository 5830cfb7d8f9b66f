"""How cases come in: sources, receipts and imports."""
