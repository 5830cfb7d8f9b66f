"""The columns of an import: their names, what stands in them, and what a row of them asks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_date, parse_datetime

from cases.services.intake import rules
from cases.services.intake.rules import Asked
from dsrportal.sentence import Sentence
from dsrportal.spreadsheet import as_typed
from integrations.types import Correction, Identity, IdentityType, Regulation, RequestType

REQUIRED: Final = ("type", "regulation", "received_at")
OPTIONAL: Final = ("reference", "purposes", "skip_waiting_period", "group")
# Columns of our own files of failed rows: they say where a row came from and what was wrong, and are not read.
REMARKS: Final = ("line", "problem")
CORRECT: Final = "correct_"
# Several identities of one type: email, email_2 … email_20.
MOST_OF_A_TYPE: Final = 20
LONGEST_VALUE: Final = 1000

_NUMBERED: Final = re.compile(r"(.+)_(\d{1,2})")
_YES: Final = frozenset({"yes", "true", "1", "x"})
_NO: Final = frozenset({"", "no", "false", "0"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was understood. `asked` is None where `sentences` say what is wrong with it."""

    asked: Asked | None
    reference: str = ""
    sentences: tuple[Sentence, ...] = ()


def named(heading: str) -> str:
    """A column's name as it is known here, however it is capitalised or spaced."""
    return re.sub(r"[\s-]+", "_", as_typed(heading).strip().casefold())


@lru_cache(maxsize=1024)
def identity_of(column: str) -> tuple[str, int] | None:
    """Identity type and number that a column stands for; None for a column of something else.

    A type of this name comes first: `phone_number_2` is one, and its second value is `phone_number_2_2`.
    """
    if column in IdentityType.values:
        return column, 1
    found = _NUMBERED.fullmatch(column)
    if found and found[1] in IdentityType.values and 2 <= int(found[2]) <= MOST_OF_A_TYPE:
        return found[1], int(found[2])
    return None


def is_known(column: str) -> bool:
    plain = column in REQUIRED or column in OPTIONAL or column in REMARKS
    return plain or identity_of(column.removeprefix(CORRECT)) is not None


def problems(columns: Sequence[str]) -> list[Sentence]:
    """Why a file with these columns cannot be imported, in sentences; empty when it can."""
    unknown = [column for column in columns if not is_known(column)]
    if len(unknown) == len(columns):
        # It may hold people instead: nothing of it is repeated.
        return [Sentence("The first line must contain the column names. None of its names is known.")]
    found: list[Sentence] = []
    if unknown:
        names = ", ".join(f"“{column[:40]}”" for column in unknown[:10])
        found.append(Sentence("Unknown columns: %(names)s. Use the names from the template.", names=names))
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        found.append(Sentence("Missing columns: %(names)s.", names=", ".join(missing)))
    if not any(identity_of(column) for column in columns):
        found.append(Sentence("At least one column must contain identifiers, such as “email”."))
    twice = sorted({column for column in columns if columns.count(column) > 1} - set(unknown))
    if twice:
        found.append(Sentence("Duplicate columns: %(names)s.", names=", ".join(twice)))
    return found


def read(columns: Sequence[str], cells: Sequence[str]) -> Row:
    """What a row asks, or what is wrong with its form; whether such a case can be opened is for `intake.rules`."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        sentence = Sentence(
            "There are more values than columns. Put values that contain a separator in quotation marks."
        )
        return Row(None, sentences=(sentence,))
    said = {column: as_typed(cell) for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    sentences: list[Sentence] = []
    kind = _one_of(RequestType, said, "type", sentences)
    regulation = _one_of(Regulation, said, "regulation", sentences)
    received_at = _received_at(said.get("received_at", "").strip(), regulation, sentences)
    identities, corrections = _people(said, sentences)
    skip = said.get("skip_waiting_period", "").strip().casefold()
    if skip not in _YES | _NO:
        sentences.append(Sentence("“skip_waiting_period” must be yes or no."))
    if sentences or received_at is None:
        return Row(None, sentences=tuple(dict.fromkeys(sentences)))
    asked = Asked(
        type=kind,
        regulation=regulation,
        received_at=received_at,
        identities=identities,
        skip_waiting_period=skip in _YES,
        group_name=said.get("group", "").strip(),
        purposes=tuple(dict.fromkeys(_parts(said.get("purposes", "")))),
        corrections=corrections,
    )
    return Row(asked, said.get("reference", "").strip())


def _parts(text: str) -> Iterable[str]:
    return (part.strip() for part in text.split("|") if part.strip())


def _one_of(
    words: type[RequestType] | type[Regulation],
    said: Mapping[str, str],
    column: str,
    sentences: list[Sentence],
) -> str:
    try:
        return words(named(said.get(column, ""))).value
    except ValueError:
        pass
    names = ", ".join(words.values)
    sentences.append(Sentence("“%(column)s” must be one of: %(names)s.", column=column, names=names))
    return ""


def _received_at(text: str, regulation: str, sentences: list[Sentence]) -> datetime | None:
    """The instant. Without an offset in the zone in which its law is counted here; a date alone is its beginning."""
    try:
        moment = parse_datetime(text) if len(text) > 10 else None
        day = parse_date(text) if moment is None else None
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime.combine(day, time.min)
    if moment is None:
        sentences.append(
            Sentence("“received_at” must be a date or a time, such as 2026-05-04 or 2026-05-04T09:30+02:00.")
        )
        return None
    if moment.tzinfo is None:
        zone = settings.CCPA_TIME_ZONE if regulation == Regulation.CCPA else settings.GDPR_TIME_ZONE
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    faults = rules.of_receipt(moment)
    sentences += [fault.sentence for fault in faults]
    return None if faults else moment


def _people(
    said: Mapping[str, str], sentences: list[Sentence]
) -> tuple[tuple[Identity, ...], tuple[Correction, ...]]:
    """The identities in the order of the columns, and what they shall be."""
    identities, corrections = [], []
    for column, value in said.items():
        of = identity_of(column.removeprefix(CORRECT))
        if of is None:
            continue
        if len(value) > LONGEST_VALUE:
            sentences.append(
                Sentence(
                    "“%(column)s” is longer than %(count)d characters.", column=column, count=LONGEST_VALUE
                )
            )
        elif not column.startswith(CORRECT):
            identities.append(Identity(of[0], value))
        elif (wrong := said.get(column.removeprefix(CORRECT))) is None:
            sentences.append(
                Sentence(
                    "“%(column)s” requires the incorrect value in “%(other)s”.",
                    column=column,
                    other=column.removeprefix(CORRECT),
                )
            )
        else:
            corrections.append(Correction(of[0], wrong, value))
    return tuple(identities), tuple(corrections)
