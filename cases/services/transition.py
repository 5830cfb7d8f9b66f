"""The one writer of every status: compare-and-set, with its audit event in the same transaction."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CASE_MOVES, REPORTED_MOVES, REQUEST_MOVES, CaseStatus, RequestStatus
from cases.models import Action, Case, Note, ProcessorRequest
from cases.services import audit
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence, Word

Fields = dict[str, Any]


def move_case(
    case: Case,
    to: str,
    *,
    actor: Actor,
    action: Action = Action.CASE_STATUS_CHANGED,
    reason: str = "",
    note: Note | None = None,
    details: audit.Details | None = None,
    fields: Fields | None = None,
) -> None:
    """Move a case, writing `fields` with it. Raises Refused for a forbidden move, Superseded for a lost race."""
    old = case.status
    if to not in CASE_MOVES[old]:
        raise Refused(
            Sentence(
                "The status of a case cannot change from %(old)s to %(new)s.",
                old=CaseStatus(old).label,
                new=CaseStatus(to).label,
            )
        )
    now = timezone.now()
    values: Fields = {"status": to, "status_changed_at": now, **(fields or {})}
    if old == CaseStatus.CLOSED:
        values |= {"outcome": "", "closed_at": None, "duplicate_of": None}
    with transaction.atomic(savepoint=False):
        if Case.objects.filter(pk=case.pk, status=old).update(**values) != 1:
            raise Superseded
        for name, value in values.items():
            setattr(case, name, value)
        audit.record(
            action,
            actor=actor,
            case=case,
            reason=reason,
            note=note,
            details={"from": str(old), "to": str(to), **(details or {})},
        )


def move_request(
    request: ProcessorRequest,
    to: str,
    *,
    actor: Actor,
    reported: bool = False,
    action: Action = Action.REQUEST_STATUS_CHANGED,
    reason: str = "",
    note: Note | None = None,
    details: audit.Details | None = None,
    fields: Fields | None = None,
) -> None:
    """Move a request of a locked case. `reported`: on a verified word from outside, by its own table.

    Raises Refused for a move that its table does not have, Superseded where another move came first.
    """
    old = request.status
    if to not in (REPORTED_MOVES if reported else REQUEST_MOVES)[old]:
        raise Refused(
            Sentence(
                "The status of a request cannot change from %(old)s to %(new)s.",
                old=Word(RequestStatus(old).label),
                new=Word(RequestStatus(to).label),
            )
        )
    now = timezone.now()
    values: Fields = {"status": to, "status_changed_at": now, **(fields or {})}
    with transaction.atomic(savepoint=False):
        changed = ProcessorRequest.objects.filter(pk=request.pk, status=old).update(**values)
        if changed != 1:
            raise Superseded
        for name, value in values.items():
            if not hasattr(value, "resolve_expression"):
                setattr(request, name, value)
        audit.of_request(
            action,
            request,
            actor=actor,
            reason=reason,
            note=note,
            details={
                "from": str(old),
                "to": str(to),
                **({"answer": str(values["answer"])} if values.get("answer") else {}),
                **(details or {}),
            },
        )


def answer_request(
    request: ProcessorRequest, answer: str, *, actor: Actor, details: audit.Details | None = None
) -> None:
    """Record what a completed request amounts to, once. Raises Superseded where it has an answer already."""
    if ProcessorRequest.objects.filter(pk=request.pk, answer="").update(answer=answer) != 1:
        raise Superseded
    request.answer = answer
    audit.of_request(
        Action.REQUEST_ANSWERED, request, actor=actor, details={"answer": str(answer), **(details or {})}
    )
