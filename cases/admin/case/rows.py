"""All rows that the page of a case is made of, asked for in one round trip.

Each question is about the case alone, by its key, and asks about few tables: PostgreSQL plans a join of a dozen longer
than it takes to look all of them up. What belongs together knows each other afterwards.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from cases.admin.case import duplicate
from cases.admin.sections import notes, person, plan, requests, timeline, verification
from cases.admin.sections.requests import RequestRows
from cases.models import (
    Attachment,
    AttentionItem,
    AuditEvent,
    Case,
    Clock,
    ClockKind,
    EmailConfirmation,
    Note,
    ProfileSearch,
    SkippedProcessor,
    SubjectIdentity,
    Tag,
    Verification,
)
from dsrportal.database.prepared import Given, Prepared, ask, know
from dsrportal.models import User

PEOPLE: Final = ("opened_by", "verified_by", "approved_by", "assignee")
OTHERS: Final = ("blocked_by", "duplicate_of")


@dataclass(frozen=True, slots=True)
class CaseRows:
    """`files` is None for whoever may not see them; of `links` there is the last, if any."""

    case: Case
    clock: Clock
    identities: list[SubjectIdentity]
    requests: RequestRows
    open_items: list[AttentionItem]
    searches: list[ProfileSearch]
    left_out: list[SkippedProcessor]
    links: list[EmailConfirmation]
    attempts: list[Verification]
    notes: list[Note]
    events: list[AuditEvent]
    files: list[Attachment] | None = None


def load(case_id: int, *, with_files: bool) -> CaseRows | None:
    """None where there is no such case."""
    asked = QUESTIONS | ({"files": notes.FILES} if with_files else {})
    answers = ask(*(question.given(case=case_id) for question in asked.values()))
    found: dict[str, Any] = dict(zip(asked, answers, strict=True))
    if not found["case"]:
        return None
    (case,) = found.pop("case")
    _know(case, {user.pk: user for user in found.pop("people")}, *PEOPLE)
    _know(case, {other.pk: other for other in found.pop("others")}, *OTHERS)
    know(case.subject, identities=found["identities"])
    for identity in found["identities"]:
        know(identity, subject=case.subject)
    of_requests = RequestRows(**{name: found.pop(name) for name in requests.QUESTIONS})
    requests.join(case, of_requests)
    for item in found["open_items"]:
        _know(item, {request.pk: request for request in of_requests.requests}, "processor_request")
    return CaseRows(case=case, clock=case.response, requests=of_requests, **found)


def _know(instance: Any, by_key: dict[Any, Any], *names: str) -> None:
    """What came a moment too late to be among the rows is left for the instance to ask for."""
    for name in names:
        key = getattr(instance, f"{name}_id")
        if key is None or key in by_key:
            know(instance, **{name: by_key.get(key)})


# --- the questions


def _case() -> QuerySet[Any]:
    response = FilteredRelation("clocks", condition=Q(clocks__kind=ClockKind.RESPONSE))
    names = ArraySubquery(Tag.objects.filter(cases=OuterRef("pk")).values("name"))
    cases = Case.objects.annotate(response=response, tag_names=names, **duplicate.WITH_CASE)
    related = ("data_key", "subject__data_key", "response", "intake_source", "intake_receipt")
    return cases.select_related(*related).filter(pk=Given("case"))


def _people() -> QuerySet[User]:
    named = Q()
    for name in PEOPLE:
        named |= Q(**{name: OuterRef("pk")})
    return User.objects.filter(Exists(Case.objects.filter(named, pk=Given("case"))))


def _others() -> QuerySet[Case]:
    case = Case.objects.filter(pk=Given("case"))
    first, second = (case.values(name) for name in OTHERS)
    return Case.objects.filter(pk__in=first.union(second))


def _identities() -> QuerySet[SubjectIdentity]:
    of_case = SubjectIdentity.objects.filter(subject__cases=Given("case"))
    return of_case.select_related("correction")


def _open_items() -> QuerySet[AttentionItem]:
    return AttentionItem.objects.filter(case=Given("case"), resolved_at__isnull=True).order_by("opened_at")


# All by the key of the case; each is named as in CaseRows, where it stands there.
QUESTIONS: Final[dict[str, Prepared[Any]]] = {
    "case": Prepared(_case),
    "people": Prepared(_people),
    "others": Prepared(_others),
    "identities": Prepared(_identities),
    "open_items": Prepared(_open_items),
    **requests.QUESTIONS,
    "searches": person.SEARCHES,
    "left_out": plan.LEFT_OUT,
    "links": verification.LAST_LINK,
    "attempts": verification.ATTEMPTS,
    "notes": notes.NOTES,
    "events": timeline.EVENTS,
}
