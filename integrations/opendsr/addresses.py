"""Addresses where credentials may go and certificates may come from, compared in parts, never as text."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit


def is_below(url: str, base: str) -> bool:
    """Scheme, host, port and path prefix, parsed: `…vendor.example.evil` begins with the same letters."""
    place, home = _place(url), _place(base)
    if place is None or home is None or place[1:] != home[1:]:
        return False
    path, prefix = place[0].path, home[0].path.rstrip("/") + "/"
    plain = ".." not in path and "%2e" not in path.lower() and "\\" not in path
    return plain and path.startswith(prefix)


def is_at_one_of(url: str, addresses: Iterable[str]) -> bool:
    """Whether it is https at the host and port of one of these addresses."""
    place = _place(url)
    return place is not None and any(place[1:] == other[1:] for other in map(_place, addresses) if other)


def _place(url: str) -> tuple[SplitResult, str, int] | None:
    """(parts, host, port) of an https address without user info; None for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return None
    return parts, parts.hostname, port
