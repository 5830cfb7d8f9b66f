"""The audit trail on the desk: list, filters, verification, export."""
