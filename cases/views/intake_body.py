"""The body that opens a case: read strictly, each fault of its form as a sentence with the place where it is.

No sentence repeats a value, and a field that nobody knows is not named: its name may be somebody's address.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from cases.services.intake import rules
from cases.services.intake.receipts import Order
from cases.services.intake.rules import Asked
from cases.views.problems import Fault
from dsrportal import strict_json
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
# A form's clock may be a little ahead of ours.
CLOCK_SKEW: Final = timedelta(minutes=2)


class Unreadable(Exception):
    """It is no JSON, or not one that means one thing only."""


def parse(raw: bytes) -> Any:
    """The document. Raises Unreadable, also where it names a field twice: readers differ on which of them counts."""
    try:
        return strict_json.parse(raw.decode("utf-8"))
    except ValueError as error:
        raise Unreadable from error


@dataclass(frozen=True, slots=True)
class Body:
    """What could be read: `order` is None where no object was sent, and lacks what `faults` are about."""

    order: Order | None
    faults: list[Fault]
    # Of each list, the places of those rows that were read.
    rows: Mapping[str, list[int]]

    def placed(self, faults: Iterable[rules.Fault]) -> list[Fault]:
        """What the rules say, with its place here; nothing about a place that could not be read."""
        found = [Fault(self._pointer(fault), fault.beside.english) for fault in faults]
        unread = [f"{fault.pointer}/" for fault in self.faults]
        return [each for each in found if not any(there.startswith(f"{each.pointer}/") for there in unread)]

    def _pointer(self, fault: rules.Fault) -> str:
        row = [] if fault.index is None else [str(self.rows[fault.field][fault.index])]
        return "".join(f"/{part}" for part in (fault.field, *row, fault.part) if part)


def read(document: Any) -> Body:
    """The order, and each fault in its form; what the rules say of it is for `services.intake.rules`."""
    reader = _Reader()
    order = reader.order(document)
    return Body(order, reader.faults, reader.rows_read)


class _Reader:
    """Collects faults as it goes, so that a developer is told of all of them at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.rows_read: dict[str, list[int]] = {}

    def order(self, document: Any) -> Order | None:
        if not isinstance(document, dict):
            self.fault("", "Send one object.")
            return None
        self.known(document, "", FIELDS, REQUIRED)
        return Order(
            Asked(
                type=self.word(document, "", "type", RequestType.values),
                regulation=self.word(document, "", "regulation", Regulation.values),
                received_at=self.moment(document.get("received_at")),
                identities=self.identities(document.get("identities", [])),
                purposes=self.purposes(document.get("purposes", [])),
                corrections=self.corrections(document.get("corrections", [])),
            ),
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
        return moment if moment > now + CLOCK_SKEW else min(moment, now)

    def rows(self, found: Any, name: str, most: int) -> list[Any]:
        if not isinstance(found, list) or len(found) > most:
            self.fault(f"/{name}", f"This has to be a list of {most} at most.")
            return []
        return found

    def identities(self, found: Any) -> tuple[Identity, ...]:
        rows = self.texts(found, "identities", ("type", "value"))
        return tuple(Identity(row["type"], row["value"]) for row in rows)

    def corrections(self, found: Any) -> tuple[Correction, ...]:
        rows = self.texts(found, "corrections", ("type", "value", "new_value"))
        return tuple(Correction(row["type"], row["value"], row["new_value"]) for row in rows)

    def texts(self, found: Any, name: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
        """The rows of a list that hold all these fields."""
        read = {
            number: self.row(row, f"/{name}/{number}", fields)
            for number, row in enumerate(self.rows(found, name, MOST_IDENTITIES))
        }
        whole = {number: row for number, row in read.items() if all(row.get(field) for field in fields)}
        self.rows_read[name] = list(whole)
        return list(whole.values())

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
