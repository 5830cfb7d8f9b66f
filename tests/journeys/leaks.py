"""A search for people in everything the portal keeps: database, queue store, logs, files.

    found = leaks.found(identities, [*leaks.database(name), *leaks.queue(), *leaks.files(directory)])

Each identity is looked for as it was typed and in the forms that software makes of a text; each piece is also looked
into where it is compressed. What is found is named by place and form, never by the identity itself.
"""

import base64
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from django.contrib.sessions.backends.db import SessionStore
from psycopg import sql

from dsrportal.crypto.index import normalise
from dsrportal.queueing import store
from tests.servers import superuser

Piece = tuple[str, bytes]
_SHORTEST = 6


def forms(kind: str, value: str) -> dict[str, bytes]:
    """What to look for: spellings in lower case, base64 as it is."""
    spellings = {"typed": value, "normal": normalise(kind, value), "small": value.casefold()}
    spellings["capital"] = value.upper()
    digits = "".join(letter for letter in value if letter.isdecimal())
    if len(digits) >= _SHORTEST:
        spellings["digits"] = digits
    wanted: dict[str, bytes] = {}
    for name, text in spellings.items():
        raw = text.encode()
        wanted |= {
            name: raw.lower(),
            f"{name}, in UTF-16": text.encode("utf-16-le").lower(),
            f"{name}, hex": raw.hex().encode(),
            f"{name}, in an address": quote(text).lower().encode(),
            f"{name}, in a form": quote_plus(text).lower().encode(),
            f"{name}, in JSON": json.dumps(text)[1:-1].lower().encode(),
            f"{name}, in Python": repr(raw)[2:-1].lower().encode(),
        }
        for shift in range(3):
            wanted[f"{name}, base64 {shift}"] = _base64(raw, shift)
            wanted[f"{name}, base64 for addresses {shift}"] = _base64(raw, shift).translate(_FOR_ADDRESSES)
    return wanted


_FOR_ADDRESSES = bytes.maketrans(b"+/", b"-_")


def _base64(raw: bytes, shift: int) -> bytes:
    """The letters that are the same whatever stands before and after, `shift` bytes into a group of three."""
    whole = base64.b64encode(b"\0" * shift + raw)
    return whole[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


def found(identities: Iterable[tuple[str, str]], pieces: Iterable[Piece]) -> list[str]:
    """Places and forms in which any of the (type, value) pairs lies open."""
    wanted = [(kind, name, form) for kind, value in identities for name, form in forms(kind, value).items()]
    hits = set()
    for place, raw in pieces:
        for piece in _opened(raw):
            lower = piece.lower()
            hits |= {
                f"{place}: {kind}, {name}"
                for kind, name, form in wanted
                if form in (piece if "base64" in name else lower)
            }
    return sorted(hits)


def _opened(raw: bytes) -> Iterator[bytes]:
    """The bytes, and what is in them where they are compressed."""
    yield raw
    for window in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
        try:
            yield zlib.decompressobj(window).decompress(raw)
        except zlib.error:
            continue
    if zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.infolist():
                yield member.filename.encode()
                yield archive.read(member)


def database(name: str) -> Iterator[Piece]:
    """Every value of every table: bytes as they are and in hex, sessions decoded, the rest as text."""
    with superuser(name) as connection:
        columns = connection.execute(
            "SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) WHERE t.table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema', 'pristine')"
        ).fetchall()
        for schema, table, column, kind in columns:
            value = sql.Identifier(str(column))
            chosen = value if kind == "bytea" else sql.SQL("{}::text").format(value)
            query = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL")
            rows = connection.execute(query.format(chosen, sql.Identifier(str(schema), str(table)), value))
            for (content,) in rows:
                yield from _value(f"{table}.{column}", content)


def _value(place: str, content: Any) -> Iterator[Piece]:
    if isinstance(content, str):
        yield place, content.encode()
        if place == "django_session.session_data":
            # Signed, and compressed where it is long.
            yield place, json.dumps(SessionStore().decode(content), ensure_ascii=False).encode()
    else:
        yield place, bytes(content)


def queue() -> Iterator[Piece]:
    """Every key and value of this test's queue store, and its append-only files where it writes any."""
    client: Any = store()
    for key in client.scan_iter():
        yield "queue key", key
        for value in _stored(client, key):
            yield f"queue {client.type(key).decode()}", value
    if client.config_get("appendonly").get("appendonly") == "yes":
        yield from files(Path(client.config_get("dir")["dir"]), place="append-only file")


def _stored(client: Any, key: bytes) -> Iterator[bytes]:
    match client.type(key):
        case b"string":
            yield client.get(key)
        case b"hash":
            for field, value in client.hgetall(key).items():
                yield field
                yield value
        case b"list":
            yield from client.lrange(key, 0, -1)
        case b"set":
            yield from client.smembers(key)
        case b"zset":
            yield from client.zrange(key, 0, -1)
        case b"stream":
            for _, fields in client.xrange(key):
                yield from fields.values()
        case other:
            raise AssertionError(f"The queue store holds a {other!r}, which nobody has looked into.")


def files(directory: Path, *, place: str = "file", pattern: str = "*") -> Iterator[Piece]:
    """Every file below a directory, whole, and its name."""
    for path in sorted(directory.rglob(pattern)):
        yield f"{place} name", str(path.relative_to(directory)).encode()
        try:
            yield f"{place} {path.name}", path.read_bytes()
        except (IsADirectoryError, FileNotFoundError):
            continue  # a directory, or deleted meanwhile by whoever made it


class Listener(logging.Handler):
    """What this process logs, as its formatter writes it."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def pieces(self) -> Iterator[Piece]:
        yield "log of this process", "\n".join(self.lines).encode()
