"""The body that opens a case: read strictly, each fault as a sentence with the place where it is.

No sentence repeats a value, and a field that nobody knows is not named: its name may be somebody's address.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from cases.services.intake.receipts import Order
from cases.views.problems import Fault
from dsrportal.crypto import blind_index
from integrations.types import Correction, Identity, IdentityType, Regulation, RequestType

LIMIT_BYTES: Final = 64 * 1024
MOST_IDENTITIES: Final = 200
LONGEST_VALUE: Final = 1000
MOST_PURPOSES: Final = 50
LONGEST_PURPOSE: Final = 200
FIELDS: Final = (
    "type",
    "regulation",
    "received_at",
    "identities",
    "purposes",
    "corrections",
    "language",
    "external_reference",
)
REQUIRED: Final = ("type", "regulation", "identities")
# RFC 3339, with an offset: a time without one is another instant in each zone.
MOMENT: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"
LANGUAGE: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
EXTERNAL_REFERENCE: Final = r"^[A-Za-z0-9._:/#-]{1,64}$"
# The year the GDPR began to apply: an earlier year is a slip.
FIRST_YEAR: Final = 2018
# A form's clock may be a little ahead of ours.
CLOCK_SKEW: Final = timedelta(minutes=2)


class Unreadable(Exception):
    """It is no JSON, or not one that means one thing only."""


def parse(raw: bytes) -> Any:
    """The document. Raises Unreadable, also where it names a field twice: readers differ on which of them counts."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def read(document: Any) -> tuple[Order | None, list[Fault]]:
    """What is asked for, or what is wrong with it."""
    reader = _Reader()
    order = reader.order(document)
    return (None if reader.faults else order), reader.faults


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _no_number(_text: str) -> Any:
    raise ValueError


class _Reader:
    """Collects faults as it goes, so that a developer is told of all of them at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def order(self, document: Any) -> Order | None:
        if not isinstance(document, dict):
            self.fault("", "Send one object.")
            return None
        self.known(document, "", FIELDS, REQUIRED)
        identities = self.identities(document.get("identities", []))
        return Order(
            type=self.word(document, "", "type", RequestType.values),
            regulation=self.word(document, "", "regulation", Regulation.values),
            received_at=self.moment(document.get("received_at")),
            identities=identities,
            purposes=self.purposes(document.get("purposes", [])),
            corrections=self.corrections(document.get("corrections", []), identities),
            language=self.matching(document, "language", LANGUAGE, "a language tag, such as de or en-GB"),
            external_reference=self.matching(
                document,
                "external_reference",
                EXTERNAL_REFERENCE,
                "1 to 64 letters, digits and . _ : / # - that say nothing about the person",
            ),
        )

    def fault(self, pointer: str, detail: str) -> None:
        self.faults.append(Fault(pointer, detail))

    def known(
        self, found: Mapping[str, Any], pointer: str, fields: tuple[str, ...], required: tuple[str, ...]
    ) -> None:
        if not set(found) <= set(fields):
            self.fault(pointer, f"There is a field here that is not known; these are: {', '.join(fields)}.")
        for name in required:
            if name not in found:
                self.fault(pointer, f"The field “{name}” is missing.")

    def word(self, found: Mapping[str, Any], pointer: str, name: str, words: list[str]) -> str:
        value = found.get(name)
        if name in found and (not isinstance(value, str) or value not in words):
            self.fault(f"{pointer}/{name}", f"This has to be one of: {', '.join(words)}.")
        return value if isinstance(value, str) else ""

    def text(self, value: Any, pointer: str, longest: int) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            self.fault(pointer, f"This has to be a text of 1 to {longest} characters.")
            return ""
        # Neither PostgreSQL nor UTF-8 takes all of these, and no identity has any.
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
            self.fault(pointer, "This holds control characters, or half of a surrogate pair.")
            return ""
        return value

    def matching(self, found: Mapping[str, Any], name: str, pattern: str, words: str) -> str:
        value = found.get(name, "")
        if name in found and (not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII)):
            self.fault(f"/{name}", f"This has to be {words}.")
            return ""
        return str(value)

    def moment(self, value: Any) -> datetime:
        now = timezone.now()
        if value is None:
            return now
        try:
            if not isinstance(value, str) or not re.fullmatch(MOMENT, value, re.ASCII):
                raise ValueError
            moment = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fault("/received_at", "This has to be a time with an offset, such as 2026-05-04T09:30:00Z.")
            return now
        if moment > now + CLOCK_SKEW:
            self.fault("/received_at", "This is in the future; the legal clock starts when the person asked.")
        elif moment.year < FIRST_YEAR:
            self.fault("/received_at", "Check the year: no request under these laws is that old.")
        return min(moment, now)

    def rows(self, found: Any, name: str, most: int) -> list[Any]:
        if not isinstance(found, list) or len(found) > most:
            self.fault(f"/{name}", f"This has to be a list of {most} at most.")
            return []
        return found

    def identities(self, found: Any) -> tuple[Identity, ...]:
        read, seen = [], set()
        rows = self.rows(found, "identities", MOST_IDENTITIES)
        if rows == [] == found:
            self.fault(
                "/identities", "Give at least one identity: without one no processor can find the person."
            )
        for number, row in enumerate(rows):
            pointer = f"/identities/{number}"
            fields = self.row(row, pointer, ("type", "value"))
            identity = Identity(fields.get("type", ""), fields.get("value", ""))
            if identity.type and identity.value:
                index = blind_index(identity.type, identity.value)
                if index in seen:
                    self.fault(pointer, "The same identity is given twice; keep one of the two.")
                seen.add(index)
                read.append(identity)
        return tuple(read)

    def corrections(self, found: Any, identities: tuple[Identity, ...]) -> tuple[Correction, ...]:
        read, seen = [], set()
        for number, row in enumerate(self.rows(found, "corrections", MOST_IDENTITIES)):
            pointer = f"/corrections/{number}"
            fields = self.row(row, pointer, ("type", "value", "new_value"))
            if not all(fields.get(name) for name in ("type", "value", "new_value")):
                continue
            identity = Identity(fields["type"], fields["value"])
            if identity not in identities:
                self.fault(pointer, "What is to be corrected must be among the identities.")
            elif identity in seen:
                self.fault(pointer, "Give each identity that is to be corrected one new value.")
            if fields["new_value"] == identity.value:
                self.fault(f"{pointer}/new_value", "The new value has to differ from the old one.")
            seen.add(identity)
            read.append(Correction(identity.type, identity.value, fields["new_value"]))
        return tuple(read)

    def row(self, row: Any, pointer: str, names: tuple[str, ...]) -> dict[str, str]:
        """The fields of one identity or correction: its type, and texts."""
        if not isinstance(row, dict):
            self.fault(pointer, "This has to be an object.")
            return {}
        self.known(row, pointer, names, names)
        read = {"type": self.word(row, pointer, "type", IdentityType.values)}
        for name in names:
            if name != "type" and name in row:
                read[name] = self.text(row[name], f"{pointer}/{name}", LONGEST_VALUE)
        return read

    def purposes(self, found: Any) -> tuple[str, ...]:
        rows = self.rows(found, "purposes", MOST_PURPOSES)
        read = [self.text(row, f"/purposes/{number}", LONGEST_PURPOSE) for number, row in enumerate(rows)]
        return tuple(dict.fromkeys(read))
