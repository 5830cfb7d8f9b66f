"""The database beyond Django: rows by COPY, prepared questions, and the rights of the portal's role."""
