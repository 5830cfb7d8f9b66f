"""Opening a case: what is refused, and what is stored of it."""

import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from cases.lifecycle import CaseStatus
from cases.models import AuditEvent, Case, SubjectIdentity
from cases.services.person import disclosure
from cases.services.planning import planning
from cases.services.refusal import Refused
from integrations.types import Draft, Identity
from tests.builders import actor, open_case, processor
from tests.cases.intake.refusals import REFUSALS, Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _processor(db: None) -> None:
    processor()


def test_a_case_opens_with_its_person_clock_and_events() -> None:
    case = open_case(received_at=datetime(2026, 9, 3, 12, tzinfo=UTC))
    assert case.status == CaseStatus.INTAKE
    assert case.reference.startswith("DSR-2026-")
    clock = case.clocks.get()
    # 3 September, one month: Saturday 3 October, a holiday in Germany anyway; so Monday.
    assert (clock.nominal_on, clock.due_on) == (date(2026, 10, 3), date(2026, 10, 5))
    assert clock.due_at == datetime(2026, 10, 5, 22, tzinfo=UTC)
    assert [event.action for event in AuditEvent.objects.filter(case=case)] == [
        "case.opened",
        "case.clock_started",
    ]


def test_a_californian_case_is_due_45_days_after_its_local_day() -> None:
    case = open_case(regulation="ccpa", received_at=datetime(2026, 10, 1, 6, 30, tzinfo=UTC))
    clock = case.clocks.get()
    assert (clock.started_on, clock.due_on) == (date(2026, 9, 30), date(2026, 11, 14))
    assert clock.due_at == datetime(2026, 11, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.change))
def test_what_no_request_can_hold_is_refused_in_a_sentence(refusal: Refusal) -> None:
    with pytest.raises(Refused, match=f"(?i){re.escape(refusal.sentence)}"):
        open_case(**refusal.change)
    assert not Case.objects.exists()
    assert not AuditEvent.objects.exists()


def test_no_sentence_repeats_what_was_typed() -> None:
    with pytest.raises(Refused) as refusal:
        open_case(identities=[("mpid", "ada@example.org")])
    assert "ada@" not in str(refusal.value)


def test_values_are_stored_as_typed_and_sealed() -> None:
    case = open_case(
        identities=[("email", " Ada.Lovelace@Example.org"), ("mobile_number", "+49 (30) 1234-567")]
    )
    values = [identity.value for identity in SubjectIdentity.objects.filter(subject=case.subject)]
    assert values == [" Ada.Lovelace@Example.org", "+49 (30) 1234-567"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM cases_subjectidentity")
        for (sealed,) in cursor.fetchall():
            assert b"Lovelace" not in bytes(sealed)
            assert b"1234" not in bytes(sealed)


@pytest.mark.parametrize(
    "typed", ["ada.lovelace@example.org", "ADA.LOVELACE@EXAMPLE.ORG ", "+49301234567", "0049 30 1234567"]
)
def test_a_person_is_found_by_any_spelling_and_the_search_is_in_the_trail(typed: str) -> None:
    case = open_case(
        identities=[("email", " Ada.Lovelace@Example.org"), ("mobile_number", "+49 (30) 1234-567")]
    )
    assert disclosure.find_subjects(typed, actor=actor("agnes")) == [case.subject_id]
    event = AuditEvent.objects.get(action="identity.searched")
    assert event.details == {"found": 1, "subjects": [str(case.subject_id)]}
    assert "ovelace" not in event.canonical.lower()


def test_nobody_else_is_found() -> None:
    open_case()
    assert disclosure.find_subjects("ada.lovelace@example.com", actor=actor("agnes")) == []


def test_revealing_needs_a_listed_reason_and_is_written_first() -> None:
    case = open_case(identities=[("email", "Ada.Lovelace@Example.org")])
    with pytest.raises(Refused):
        disclosure.reveal(case, actor=actor("agnes"), reason="curious")
    assert disclosure.reveal(case, actor=actor("agnes"), reason="verify_person") == [
        ("E-mail", "Ada.Lovelace@Example.org")
    ]
    event = AuditEvent.objects.get(action="identity.revealed")
    assert (event.reason, event.actor_label) == ("verify_person", "agnes")


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("ada.lovelace@example.org", "a•••@e•••.org"),
        ("x@y", "x•••@•••"),
        ("123", "•••"),
        ("C-20417", "C•••7"),
        ("@", "•••"),
    ],
)
def test_a_mask_shows_too_little_to_use(value: str, mask: str) -> None:
    assert disclosure.masked(value) == mask


def test_what_one_request_cannot_hold_is_planned_as_several() -> None:
    draft = Draft(
        "erasure",
        "gdpr",
        (
            Identity("email", "a@example.org"),
            Identity("email", "b@example.org"),
            Identity("mpid", "-7"),
            Identity("other", "z"),
        ),
    )
    planned = [
        sorted(identity.type for identity in request.identities)
        for request in planning.preview(draft).requests
    ]
    assert sorted(planned) == [["email"], ["email", "other"], ["mpid"]]


def test_without_a_processor_nobody_is_promised_anything() -> None:
    from integrations.models import Processor

    Processor.objects.all().delete()
    with pytest.raises(Refused, match="integration manager"):
        open_case()
