"""Packages from mParticle: summed up, checked for the right person, and copied with parts left out.

A zip of `profile.jsonl` (only where the workspace's privacy setting puts it in), of files with an event batch on each
line, or of `empty.txt` alone, where the person is known and nothing is held.
https://docs.mparticle.com/guides/data-subject-requests/
"""

import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, cast

from dsrportal.crypto import normalise
from dsrportal.sentence import Sentence
from integrations.errors import UnexpectedAnswer
from integrations.mparticle import contents, rows
from integrations.mparticle.contents import Archive, Doubtful
from integrations.types import Identity, IdentityType, PackageMember, PackageSummary

# The result file's and the batches' names of identity types, where they are not ours.
# https://docs.mparticle.com/developers/server/json-reference/, https://docs.mparticle.com/developers/profile-api/
IDENTITY_NAMES: Final[dict[str, str]] = {
    "id": IdentityType.MPID,
    "customer_id": IdentityType.CONTROLLER_CUSTOMER_ID,
    "customerid": IdentityType.CONTROLLER_CUSTOMER_ID,
    "google_advertising_id": IdentityType.ANDROID_ADVERTISING_ID,
    "android_uuid": IdentityType.ANDROID_ID,
    "ios_idfa": IdentityType.IOS_ADVERTISING_ID,
    "ios_idfv": IdentityType.IOS_VENDOR_ID,
    **{f"other_id_{number}": f"other{number}" for number in range(2, 11)},
}

_PROFILE = "profile.jsonl"
_EMPTY = "empty.txt"
# What a summary holds at most: enough to look at, whatever a file would put into it.
_MOST_FIELDS = 2000
_LONGEST_VALUE = 2000
_MOST_IDENTITIES = 500
_MOST_NAMES = 1000
_MOST_NAMES_OF_ALL = 2000
_MOST_KINDS = 2000
_PIECE_BYTES = 64 * 1024


def summarise(package: BinaryIO, *, submitted: Sequence[Identity]) -> PackageSummary:
    """What a result file holds. `submitted` are all values that are the person's, of the types that were asked for.

    Raises nothing for what is in it. Of a file in doubt nothing but the doubt is told: not_zip, bomb, bad_names,
    unreadable, foreign_identity.
    """
    reading = _Reading(submitted)
    try:
        with contents.opened(package) as archive:
            return reading.of(archive)
    except Doubtful as doubt:
        return PackageSummary(doubt=doubt.word)


class _Reading:
    """What one package was found to hold so far."""

    def __init__(self, submitted: Sequence[Identity]) -> None:
        self._ours: dict[str, set[str]] = {}
        for identity in submitted:
            self._ours.setdefault(identity.type, set()).add(normalise(identity.type, identity.value))
        self._fields: list[tuple[str, str]] = []
        # Dictionaries are used as sets that keep their order.
        self._identities: dict[tuple[str, str], None] = {}
        self._names: dict[str, None] = {}
        self._events: Counter[tuple[str, str]] = Counter()
        self._unread = 0
        self._has_profile = False

    def of(self, archive: Archive) -> PackageSummary:
        members = tuple(self._member(archive, info) for info in archive.members)
        if not members:
            raise Doubtful("unreadable")
        return PackageSummary(
            members=members,
            fields=tuple(self._fields),
            identities=tuple(self._identities),
            events=tuple((kind, month, count) for (kind, month), count in sorted(self._events.items())),
            leave_out=tuple(self._names),
            has_profile=self._has_profile,
            empty=[_base(member.name) for member in members] == [_EMPTY],
            unread_lines=self._unread,
        )

    def _member(self, archive: Archive, info: zipfile.ZipInfo) -> PackageMember:
        sha256 = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for piece in archive.pieces(info):
                sha256.update(piece)
                yield piece

        if _has_rows(info.filename):
            take = self._take_profile if _base(info.filename) == _PROFILE else self._take_batch
            self._has_profile |= _base(info.filename) == _PROFILE
            for row in rows.read(hashed()):
                try:
                    if row is not None:
                        take(row)
                except RecursionError:  # nested as deep as no batch is
                    row = None
                self._unread += row is None
        else:
            for _ in hashed():
                pass
        return PackageMember(info.filename, info.file_size, sha256.hexdigest())

    def _take_profile(self, row: rows.Row) -> None:
        self._compare([("id", row.get("id")), ("mpid", row.get("mpid"))], any_of=False)
        for key in rows.IDENTITIES:
            found = list(_identities(row.get(key)))
            # A person has one address here and may have several devices: of those one must be the one asked for.
            self._compare(found, any_of=key == "device_identities")
            self._keep(found)
        self._name(row)
        for name, value in rows.fields(
            {key: value for key, value in row.items() if key not in rows.IDENTITIES}
        ):
            if len(self._fields) < _MOST_FIELDS:
                self._fields.append((_text(name), _text(value)))

    def _take_batch(self, row: rows.Row) -> None:
        found = list(_identities(row.get("user_identities")))
        self._compare([("mpid", row.get("mpid")), *found], any_of=False)
        self._keep(found)
        self._name(row)
        events = row.get("events")
        for event in events if isinstance(events, list) else []:
            event = event if isinstance(event, dict) else {}
            data = event.get("data")
            of_its_own = data.get("timestamp_unixtime_ms") if isinstance(data, dict) else None
            at = rows.moment(of_its_own) or rows.moment(row.get("timestamp_unixtime_ms"))
            kind = _text(str(event.get("event_type") or ""))[:100]
            key = (kind, f"{at:%Y-%m}" if at else "")
            if key not in self._events and len(self._events) >= _MOST_KINDS:
                key = ("…", "")
            self._events[key] += 1

    def _compare(self, found: Sequence[tuple[str, Any]], *, any_of: bool) -> None:
        """Raises Doubtful where an identity of a type that was asked for is not the person's."""
        verdicts: dict[str, list[bool]] = {}
        for name, value in found:
            kind = IDENTITY_NAMES.get(name.casefold(), name.casefold())
            if kind in self._ours and value not in (None, ""):
                verdicts.setdefault(kind, []).append(normalise(kind, str(value)) in self._ours[kind])
        if not all(any(each) if any_of else all(each) for each in verdicts.values()):
            raise Doubtful("foreign_identity")

    def _keep(self, found: Sequence[tuple[str, Any]]) -> None:
        for name, value in found:
            if len(self._identities) < _MOST_IDENTITIES:
                self._identities[_text(name), _text(str(value))] = None

    def _name(self, row: rows.Row) -> None:
        for name in rows.names(row):
            # What has no dot stands for all that is below it: for that there is a place longer.
            most = _MOST_NAMES if "." in name else _MOST_NAMES_OF_ALL
            if len(self._names) < most and name == _text(name):
                self._names[name] = None


def _identities(said: Any) -> Iterator[tuple[str, Any]]:
    """(name, value) of identities, a mapping or a list of them. What is not in clear cannot be compared with ours.

    A value of another shape than all that is known comes as text: it is nobody's that we know.
    """
    if isinstance(said, dict):
        for name, value in said.items():
            for each in value if isinstance(value, list) else [value]:
                yield from _in_clear(name, each)
    elif isinstance(said, list):
        for item in said:
            if name := rows.identity_type(item):
                yield from _in_clear(name, item)


def _in_clear(name: str, said: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(said, dict):
        if str(said.get("encoding") or "raw").casefold() != "raw":
            return
        said = next((said[key] for key in ("value", "identity") if key in said), said)
    if said not in (None, ""):
        yield name, said if isinstance(said, str | int) else rows.value_text(said)


def redact(package: BinaryIO, *, members: frozenset[str], fields: frozenset[str]) -> Iterator[bytes]:
    """A new archive without these members and, in every line of the others, without these fields.

    With fields to leave out, a line that cannot be read is left out whole, and so is a file that is not made of lines:
    nobody knows what is in it. Raises UnexpectedAnswer where the archive cannot be read.
    """
    outlet = _Outlet()
    try:
        with (
            contents.opened(package) as archive,
            zipfile.ZipFile(cast(BinaryIO, outlet), "w", zipfile.ZIP_DEFLATED) as copy,
        ):
            for info in archive.members:
                looked_into = not fields or _has_rows(info.filename) or not info.file_size
                if looked_into and info.filename not in members:
                    with copy.open(_fresh(info), "w", force_zip64=info.file_size >= 1024**3) as out:
                        for piece in _kept(archive, info, fields):
                            out.write(piece)
                            yield from outlet.taken(_PIECE_BYTES)
    except Doubtful as doubt:
        raise UnexpectedAnswer(
            Sentence("The package can no longer be read (%(doubt)s).", doubt=doubt.word)
        ) from None
    yield from outlet.taken()


def _kept(archive: Archive, info: zipfile.ZipInfo, fields: frozenset[str]) -> Iterator[bytes]:
    if not fields or not _has_rows(info.filename):
        yield from archive.pieces(info)
        return
    for row in rows.read(archive.pieces(info)):
        try:
            line = b"" if row is None else rows.written(rows.without(row, fields))
        except RecursionError:
            line = b""
        yield line


def _fresh(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """An entry of the same name and time, and of nothing else that came with the old one."""
    fresh = zipfile.ZipInfo(info.filename, info.date_time)
    fresh.compress_type = zipfile.ZIP_DEFLATED
    fresh.external_attr = 0o600 << 16
    return fresh


class _Outlet:
    """Where an archive is written to that goes out piece by piece and cannot be gone back in."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """The library asks for it; there is nothing to do."""

    def taken(self, at_least: int = 1) -> Iterator[bytes]:
        if len(self._waiting) >= at_least:
            yield bytes(self._waiting)
            self._waiting.clear()


def _base(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _has_rows(name: str) -> bool:
    return _base(name).endswith(".jsonl")


def _text(text: str) -> str:
    """As it can be shown: JSON may carry half a surrogate pair, and a value may be a book."""
    shown = text[:_LONGEST_VALUE].encode("utf-8", "replace").decode()
    return shown if len(text) <= _LONGEST_VALUE else f"{shown}…"
