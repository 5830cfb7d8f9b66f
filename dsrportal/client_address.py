"""From which address a request came."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address; an empty string when it is not one.

    Behind TRUSTED_PROXIES proxies, each of which appends the address it saw to X-Forwarded-For, the client is that
    many entries from the right; everything left of it was written by the client itself and proves nothing.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES > 0:
        entries = [
            entry.strip()
            for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            if entry.strip()
        ]
        if entries:
            seen = entries[-min(settings.TRUSTED_PROXIES, len(entries))]
    try:
        return str(ipaddress.ip_address(seen))
    except ValueError:
        return ""
