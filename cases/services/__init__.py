"""Services: one module a verb or a noun, in wings by capability. None of them sees a request."""
