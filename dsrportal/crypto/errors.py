"""Errors of reading something sealed. No message ever carries a key or a plaintext."""


class Unreadable(Exception):
    """A sealed value cannot be opened. Trying again does not help."""


class KeyDestroyed(Unreadable):
    """The data key was destroyed on purpose: what it covered is gone for good."""


class WrongKey(Unreadable):
    """The master key that is needed is not configured, or is another one under the same id."""


class Tampered(Unreadable):
    """The bytes are not what was sealed here: altered, cut short, moved from elsewhere, or under another key."""
