"""Files: encrypted storage, uploads and attachments."""
