"""Reading what is posted to a public address, up to a limit."""

import re
from io import BytesIO

from django.http import HttpRequest


def read_body(request: HttpRequest, *, limit_bytes: int) -> bytes | None:
    """The raw bytes, None where there are more than the limit.

    granian with Django gives an empty `request.body` for a POST without Content-Length (chunked), so the
    stream is read itself, up to the limit and one byte.
    """
    stated = request.META.get("CONTENT_LENGTH") or ""
    if stated:
        if not re.fullmatch("[0-9]{1,9}", stated) or int(stated) > limit_bytes:
            return None
        return request.body
    stream = request.META.get("wsgi.input") or BytesIO()
    body: bytes = stream.read(limit_bytes + 1)
    return body if len(body) <= limit_bytes else None
