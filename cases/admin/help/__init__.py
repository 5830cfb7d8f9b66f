"""The manual: its pages, the search over them, and which of them explains which address of the desk."""
