"""Opening a case once, however often a form of ours asks for it, and what that form is told of it."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import Case, ClockKind, IntakeReceipt, IntakeSource
from cases.services.intake import opening
from cases.services.intake.rules import Asked
from cases.services.refusal import Refused
from dsrportal.crypto import blind_index

# For so long a key of a source's stands for the case that it opened.
REMEMBERED: Final = timedelta(days=7)
# What a form is told. Whether something needs a decision here, or who decides, is nobody's business outside.
STATUS_TOLD: Final[dict[str, str]] = {
    CaseStatus.INTAKE: "received",
    CaseStatus.VERIFYING: "verifying",
    CaseStatus.READY: "working",
    CaseStatus.WORKING: "working",
    CaseStatus.ATTENTION: "working",
    CaseStatus.REVIEW: "working",
    CaseStatus.CLOSED: "closed",
}


class OtherBody(Refused):
    """The key was used before, for something else."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a form asks for, checked for its shape."""

    asked: Asked
    external_reference: str = field(default="", repr=False)
    language: str = ""


def open_once(
    order: Order, *, source: IntakeSource, actor: Actor, key: str, body: bytes
) -> tuple[dict[str, Any], bool]:
    """What to answer, and whether a case was opened just now.

    The same key gives the same answer. Raises OtherBody where it came with another body before, CannotOpen and Refused.
    """
    key_hash, body_hash = _keyed("intake key", source, key.encode()), _keyed("intake body", source, body)
    answer = _earlier(source, key_hash, body_hash)
    if answer is not None:
        return answer, False
    try:
        with transaction.atomic():
            return _open(order, source=source, actor=actor, hashes=(key_hash, body_hash)), True
    except IntegrityError as error:
        answer = _earlier(source, key_hash, body_hash)
        if answer is None or not isinstance(error.__cause__, UniqueViolation):
            raise
        return answer, False


def _open(order: Order, *, source: IntakeSource, actor: Actor, hashes: tuple[bytes, bytes]) -> dict[str, Any]:
    case = opening.open_case(order.asked, actor=actor, through=source)
    answer = {key: value for key, value in told(case).items() if key != "outcome"}
    IntakeReceipt.objects.create(
        source=source,
        case=case,
        key_hash=hashes[0],
        body_hash=hashes[1],
        answer=answer,
        external_reference=order.external_reference,
        language=order.language,
    )
    return answer


def find(source: IntakeSource, reference: str) -> dict[str, Any] | None:
    """What a source is told of a case; None where it opened no such case."""
    if not (
        reference.isascii() and reference.isprintable()
    ):  # the database takes not every sign, such as NUL
        return None
    case = Case.objects.filter(reference=reference, intake_source=source).first()
    return told(case) if case else None


def told(case: Case) -> dict[str, Any]:
    """Reference, status, outcome and due date, nothing else.

    An opt-out needs no proof of who asks, so that a stranger could learn from its outcome whether somebody is known
    here: the outcome of a case whose person was never verified is told to nobody.
    """
    due_on = case.clocks.get(kind=ClockKind.RESPONSE).due_on
    return {
        "reference": case.reference,
        "status": STATUS_TOLD[case.status],
        "outcome": (case.outcome or None) if case.verified_at else None,
        "due_on": due_on.isoformat(),
    }


def forget_keys() -> int:
    """Forget by which keys cases were opened long ago; the receipts stay. How many."""
    old = IntakeReceipt.objects.filter(key_hash__isnull=False, made_at__lte=timezone.now() - REMEMBERED)
    return old.update(key_hash=None, body_hash=None)


def _earlier(source: IntakeSource, key_hash: bytes, body_hash: bytes) -> dict[str, Any] | None:
    receipt = IntakeReceipt.objects.filter(source=source, key_hash=key_hash).first()
    if receipt is None:
        return None
    if bytes(receipt.body_hash or b"") != body_hash:
        raise OtherBody
    answer: dict[str, Any] = receipt.answer
    return answer


def _keyed(kind: str, source: IntakeSource, value: bytes) -> bytes:
    """A body holds identities, and a plain hash of one could be guessed: it is keyed as the blind index is."""
    return blind_index(kind, f"{source.pk}:{hashlib.sha256(value).hexdigest()}")
