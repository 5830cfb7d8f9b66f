"""The data subject: verification, identities, and who saw them."""
