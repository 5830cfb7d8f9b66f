"""Rows written through COPY are the rows that an INSERT would have written."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases.actor import SCHEDULE
from cases.models import Action, AuditChain, Clock, Note, SubjectIdentity
from cases.services import audit
from dsrportal.database import bulk_insert
from dsrportal.models import DataKey, User
from integrations.models import Processor
from tests.builders import open_case, processor

pytestmark = pytest.mark.django_db

# What a text format could take for something else.
ODD = [
    "",
    "\\N",
    "\\.",
    "a\tb",
    "a\nb\r\nc",
    "\\",
    "\\t",
    'say "so"',
    "Zoë Ω 🙂",
    "NULL",
    " blanks ",
    "'",
    "\x01",
]


def held(rows: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def test_text_numbers_times_json_and_nothing_come_back_as_they_were() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    rows = [
        Processor(
            kind="manual",
            name=f"{number} {text}"[:100],
            account=text or "none",
            options={"text": text, "list": [1, True, None, text], "map": {}},
            credentials={"secret": text},
            account_proven_at=datetime(2026, 3, 29, 2, 30, 15, 123456, tzinfo=zone) if number % 2 else None,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number, text in enumerate(ODD)
    ]
    made = bulk_insert.insert(Processor, rows)
    assert len(made) >= bulk_insert.FEW
    for row, text in zip(rows, ODD, strict=True):
        found = Processor.objects.get(pk=row.pk)
        assert (found.account, found.credentials) == (text or "none", {"secret": text})
        assert found.options == row.options
        assert found.account_proven_at == row.account_proven_at
        assert found.created_at is not None


def test_keys_that_the_database_numbers_are_known_afterwards_and_never_given_twice() -> None:
    users = bulk_insert.insert(
        User, [User(username=f"user{number}", password="!") for number in range(bulk_insert.FEW)]
    )
    assert [User.objects.get(pk=user.pk).username for user in users] == [user.username for user in users]
    assert User.objects.create(username="next").pk > max(user.pk for user in users)


def test_encrypted_values_are_sealed_and_can_be_read() -> None:
    processor()
    subject = open_case().subject
    rows = [
        SubjectIdentity.of(subject, type="other", value=f"{text}{number}", position=number)
        for number, text in enumerate(ODD, start=1)
    ]
    bulk_insert.insert(SubjectIdentity, rows)
    found = SubjectIdentity.objects.filter(subject=subject, type="other").order_by("position")
    assert [identity.value for identity in found] == [f"{text}{n}" for n, text in enumerate(ODD, start=1)]
    assert [bytes(identity.blind_index) for identity in found] == [row.blind_index for row in rows]


def test_what_the_database_refuses_is_djangos_own_error_and_nothing_stays() -> None:
    twice = [User(username="same", password="!") for _ in range(bulk_insert.FEW)]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk_insert.insert(User, twice)
    assert not User.objects.filter(username="same").exists()


def test_a_few_and_many_are_written_alike(owner_connection: Any) -> None:
    processor()
    few, many = open_case(), open_case()
    clock = {"kind": "response", "rule": "r", "rule_version": "1", "calendar_version": "c", "zone": "UTC"}
    days = {"started_on": date(2026, 1, 1), "nominal_on": date(2026, 2, 1), "due_on": date(2026, 2, 2)}
    owner_connection.execute("DELETE FROM cases_clock")
    at = datetime(2026, 2, 3, tzinfo=UTC)
    bulk_insert.insert(Clock, [Clock(case=few, **clock, **days, due_at=at)])
    bulk_insert.insert(Note, [])
    others = [open_case() for _ in range(bulk_insert.FEW - 1)]
    owner_connection.execute("DELETE FROM cases_clock WHERE case_id <> %s", [few.pk])
    bulk_insert.insert(Clock, [Clock(case=case, **clock, **days, due_at=at) for case in [many, *others]])
    fields = [*clock, *days, "due_at", "satisfied_at"]
    assert held(few.clocks.values_list(*fields)) == held(many.clocks.values_list(*fields))


def test_events_written_together_stand_in_their_chains() -> None:
    processor()
    cases = [open_case() for _ in range(4)]
    facts = [
        audit.Fact(Action.CASE_TAGGED, case, {"added": [word], "removed": []})
        for word in ODD[3:6]
        for case in cases
    ]
    audit.record_many(facts, actor=SCHEDULE)
    for case in cases:
        assert audit.verify(f"case:{case.pk}") == []
        assert AuditChain.objects.get(name=f"case:{case.pk}").sequence == 5


def test_keys_are_made_and_stored_together() -> None:
    keys = DataKey.make_many(DataKey.Purpose.SUBJECT, bulk_insert.FEW)
    stored = {key.pk: key.secret() for key in DataKey.objects.filter(purpose="subject")}
    assert stored == {key.pk: key.secret() for key in keys}
    assert len(set(stored.values())) == bulk_insert.FEW
