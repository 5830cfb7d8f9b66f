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
from dsrportal.models import User
from dsrportal.prepared import Given, Prepared, ask, know

PEOPLE: Final = ("opened_by", "verified_by", "approved_by", "assignee")
OTHERS: Final = ("blocked_by", "duplicate_of")


@dataclass(frozen=True, slots=True)
class CaseRows:
    """`files` is None for whoever may not see them."""

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
    files: list[Attachment] | None
    events: list[AuditEvent]


def load(case_id: int, *, with_files: bool) -> CaseRows | None:
    """None where there is no such case."""
    always, files = ask_all(case_id, with_files=with_files)
    cases, people, others, identities, items, *rest = always
    if not cases:
        return None
    case: Any = cases[0]
    _join(case, {user.pk: user for user in people}, {other.pk: other for other in others}, identities)
    of_requests = requests.joined(case, RequestRows(*rest[: len(requests.QUESTIONS)]))
    by_key = {request.pk: request for request in of_requests.requests}
    for item in items:
        know(item, processor_request=by_key.get(item.processor_request_id))
    searches, left_out, links, attempts, of_notes, events = rest[len(requests.QUESTIONS) :]
    return CaseRows(
        case=case,
        clock=case.response,
        identities=identities,
        requests=of_requests,
        open_items=items,
        searches=searches,
        left_out=left_out,
        links=links,
        attempts=attempts,
        notes=of_notes,
        files=files,
        events=events,
    )


def ask_all(case_id: int, *, with_files: bool) -> tuple[list[list[Any]], list[Attachment] | None]:
    """The answers to `QUESTIONS`, and the files where they are asked for."""
    asked = [
        question.given(case=case_id) for question in (*QUESTIONS, *([notes.FILES] if with_files else []))
    ]
    answers = ask(*asked)
    return answers[: len(QUESTIONS)], answers[len(QUESTIONS)] if with_files else None


def _join(
    case: Case, people: dict[int, User], others: dict[int, Case], identities: list[SubjectIdentity]
) -> None:
    know(case, **{name: people.get(getattr(case, f"{name}_id")) for name in PEOPLE})
    know(case, **{name: others.get(getattr(case, f"{name}_id")) for name in OTHERS})
    know(case.subject, identities=identities)
    for identity in identities:
        know(identity, subject=case.subject)


# --- the questions


def _case() -> QuerySet[Any]:
    response = FilteredRelation("clocks", condition=Q(clocks__kind=ClockKind.RESPONSE))
    names = ArraySubquery(Tag.objects.filter(cases=OuterRef("pk")).values("name"))
    cases = Case.objects.annotate(response=response, tag_names=names, **duplicate.WITH_CASE)
    related = ("data_key", "subject__data_key", "response", "intake_source", "intake_receipt")
    return cases.select_related(*related).filter(pk=Given("case"))  # type: ignore[misc]


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


QUESTIONS: Final = (
    Prepared(_case),
    Prepared(_people),
    Prepared(_others),
    Prepared(_identities),
    Prepared(_open_items),
    *requests.QUESTIONS,
    person.SEARCHES,
    plan.LEFT_OUT,
    verification.LAST_LINK,
    verification.ATTEMPTS,
    notes.NOTES,
    timeline.EVENTS,
)
