"""Errors of the embedded servers."""


class CannotStart(Exception):
    """A server of our own cannot start; the text is one sentence for the operator."""


class AlreadyRunning(CannotStart):
    """Somebody else holds this data directory right now."""
