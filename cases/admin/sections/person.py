"""The person of a case as a page shows them: masked identities, what they shall be, and what searches found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy

from cases.models import Case, Finding, ProfileSearch, Purpose, SubjectIdentity
from cases.services.person import disclosure
from cases.services.planning import profile_search
from dsrportal.crypto import Unreadable
from dsrportal.database.prepared import Given, Prepared, know
from dsrportal.sentence import Sentence
from integrations.types import IdentityType, RequestType

FINDING_TONES: Final[dict[tuple[str, str], str]] = {
    (Purpose.PREVIEW, Finding.FOUND): "info",
    (Purpose.PREVIEW, Finding.NOT_FOUND): "quiet",
    (Purpose.CONFIRMATION, Finding.FOUND): "bad",
    (Purpose.CONFIRMATION, Finding.NOT_FOUND): "good",
}

UNREADABLE: Final = gettext_lazy("can no longer be read")


@dataclass(frozen=True, slots=True)
class IdentityLine:
    key: str
    kind: str
    value: str
    # Of a correction: what it shall be.
    new_value: str = ""
    # Whether it was shown to be the person's.
    verified: bool = False


@dataclass(frozen=True, slots=True)
class SearchLine:
    search: ProfileSearch
    tone: str
    sentence: Sentence
    # The processor's own name for the person, masked.
    profile: str
    matched: str


def rows_of(case: Case) -> list[SubjectIdentity]:
    """The identities of a case with what they are read with, in their order."""
    rows = SubjectIdentity.objects.filter(subject=case.subject_id).select_related("subject__data_key")
    return list(rows.select_related("correction") if case.type == RequestType.CORRECTION else rows)


def identities(case: Case) -> list[IdentityLine]:
    return lines(case, rows_of(case))


def lines(case: Case, rows: Iterable[SubjectIdentity]) -> list[IdentityLine]:
    corrected = case.type == RequestType.CORRECTION
    return [
        IdentityLine(
            key=str(row.pk),
            kind=row.get_type_display(),
            value=masked(row, "value"),
            new_value=masked(row.correction, "new_value") if corrected and hasattr(row, "correction") else "",
            verified=row.verified_at is not None,
        )
        for row in rows
    ]


def clear(row: Any, name: str = "value") -> str:
    """One encrypted value of a row; in words where it cannot be opened."""
    try:
        return str(getattr(row, name))
    except Unreadable:
        return str(UNREADABLE)


def masked(row: Any, name: str = "value") -> str:
    """Enough of it to recognise, too little to use."""
    try:
        value = getattr(row, name)
    except Unreadable:
        return str(UNREADABLE)
    return disclosure.masked(value) if value else ""


SEARCHES: Final = Prepared(
    lambda: ProfileSearch.objects.filter(case=Given("case")).select_related("processor", "asked_by")
)


def searches(case: Case, rows: Iterable[ProfileSearch] | None = None) -> list[SearchLine]:
    """The last preview of each processor, then every confirmation, in the order in which they were asked."""
    previews: dict[object, SearchLine] = {}
    confirmations = []
    for search in SEARCHES.ask(case=case.pk) if rows is None else rows:
        know(search, case=case)  # whose key it is read with
        line = _line(search)
        if search.purpose == Purpose.PREVIEW:
            previews[search.processor_id] = line
        else:
            confirmations.append(line)
    return [*previews.values(), *confirmations]


def _line(search: ProfileSearch) -> SearchLine:
    return SearchLine(
        search=search,
        tone=FINDING_TONES.get((search.purpose, search.finding), "warn"),
        sentence=profile_search.sentence(search),
        profile=masked(search, "profile_id"),
        matched=", ".join(_kind(name) for name in search.matched),
    )


def _kind(name: str) -> str:
    return str(IdentityType(name).label) if name in IdentityType.values else name
