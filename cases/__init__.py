"""Cases: what they mean, who decides, and the audit trail that remembers."""
