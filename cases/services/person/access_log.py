"""The access log of a person: who saw their data in clear, over all cases known to be theirs.

Two cases are of one person where both were verified with an identity in common, or where one was closed as a duplicate
of the other. What a case merely claims makes no link: whoever types a stranger's address into a form would be shown
beside their cases.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.models import Action, AuditEvent, Case, SubjectIdentity
from cases.services.imports import files as import_files

# What puts data of one person before somebody's eyes, or into their hands. Looking at the page of a case, where
# identities are masked, is no event.
SAW: Final[tuple[str, ...]] = (
    Action.IDENTITIES_REVEALED,
    Action.RESULT_VIEWED,
    Action.RESULT_DOWNLOADED,
    Action.RESULT_REDACTED,
    Action.ATTACHMENT_DOWNLOADED,
)
# A row that failed may be corrected and become a case only so much later.
CORRECTED_WITHIN: Final = import_files.KEPT
# A person's cases are found in rounds, each through those of the one before.
MOST_ROUNDS: Final = 5
MOST_PEOPLE: Final = 200
MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The cases that are of the person, those of them that only share an unproven identity left out."""

    cases: list[Case]
    events: list[AuditEvent]
    # Lists with identities in clear, and failed rows of imports, that were taken along: each may have held this person.
    exports: list[AuditEvent]
    # There are more events than are shown.
    more: bool


def of_subjects(subjects: Collection[UUID]) -> AccessLog:
    """Who saw data of these persons, and of all that are known to be the same; newest first."""
    people = _the_same(set(subjects))
    cases = list(Case.objects.filter(subject__in=people).order_by("-id")[:MOST_SHOWN])
    found = _events(people, [case.pk for case in cases])
    return AccessLog(cases, found[:MOST_SHOWN], _exports(cases), len(found) > MOST_SHOWN)


def _the_same(subjects: set[UUID]) -> set[UUID]:
    people, newest = set(subjects), set(subjects)
    for _round in range(MOST_ROUNDS):
        proven = SubjectIdentity.objects.filter(verified_at__isnull=False)
        shared = proven.filter(subject__in=newest).order_by().values_list("blind_index", flat=True)
        others = proven.filter(blind_index__in=list(shared)).order_by().values_list("subject_id", flat=True)
        newest = set(islice(others.union(*_of_duplicates(newest)), MOST_PEOPLE)) - people
        people |= newest
        if not newest or len(people) > MOST_PEOPLE:
            break
    return people


def _of_duplicates(subjects: Collection[UUID]) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Somebody compared the two and said that they are one person's, whatever became of their identities since."""
    closed = Case.objects.filter(duplicate_of__isnull=False).order_by()
    return (
        closed.filter(subject__in=subjects).values_list("duplicate_of__subject_id", flat=True),
        closed.filter(duplicate_of__subject__in=subjects).values_list("subject_id", flat=True),
    )


def _events(people: Iterable[UUID], cases: Collection[int]) -> list[AuditEvent]:
    """Several questions rather than one with an “or”: each has an index."""
    of_searches = Q()
    for subject in people:
        of_searches |= Q(details__contains={"subjects": [str(subject)]})
    searches = AuditEvent.objects.filter(of_searches, action=Action.IDENTITY_SEARCHED)
    seen = AuditEvent.objects.filter(case__in=list(cases), action__in=SAW)
    found = [event for events in (seen, searches) for event in _newest(events)]
    return sorted(found, key=lambda event: (event.at, event.pk), reverse=True)


def _exports(cases: Sequence[Case]) -> list[AuditEvent]:
    if not cases:
        return []
    since = min(case.opened_at for case in cases)
    lists = AuditEvent.objects.filter(action=Action.LIST_EXPORTED, details__identities=True, at__gte=since)
    rows = AuditEvent.objects.filter(action=Action.IMPORT_DOWNLOADED, at__gte=since - CORRECTED_WITHIN)
    found = [*_newest(lists), *_newest(rows)]
    return sorted(found, key=lambda event: (event.at, event.pk), reverse=True)[:MOST_SHOWN]


def _newest(events: Any) -> list[AuditEvent]:
    return list(events.select_related("case", "actor").order_by("-at", "-id")[: MOST_SHOWN + 1])
