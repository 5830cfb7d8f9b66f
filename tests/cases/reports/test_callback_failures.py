"""When the database does not take a callback: nothing is lost, and nothing acknowledged that was not committed."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from psycopg import sql

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, CallbackDelivery, Verdict
from cases.services import audit
from cases.services.upkeep import sweeping
from tests.cases.vendor import Gate, delivery_of, snapshot, status_events, statuses
from tests.servers import superuser


@contextmanager
def trigger(table: str, timing: str, condition: str) -> Iterator[None]:
    """Something the database does not take, whatever the reason, until the block ends."""
    name = sql.Identifier(f"broken_{uuid.uuid4().hex[:12]}")
    with superuser(connection.settings_dict["NAME"]) as owner:
        owner.execute(
            sql.SQL(
                "CREATE FUNCTION {} () RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN IF {} THEN RAISE EXCEPTION 'broken'; END IF; RETURN NEW; END $$"
            ).format(name, sql.SQL(condition))
        )
        statement = f"CREATE {'CONSTRAINT ' if 'DEFERRED' in timing else ''}TRIGGER {{}} " + timing
        owner.execute(sql.SQL(statement + " FOR EACH ROW EXECUTE FUNCTION {} ()").format(name, name))
        try:
            yield
        finally:
            owner.execute(sql.SQL("DROP TRIGGER {} ON {}").format(name, sql.Identifier(table)))
            owner.execute(sql.SQL("DROP FUNCTION {} ()").format(name))


def test_what_cannot_be_applied_is_kept_and_the_sweep_applies_it_later(gate: Gate) -> None:
    request = gate.answered_but()
    body = gate.body(request)
    condition = f"NEW.subject_request_id = '{request.pk}'"
    with trigger("cases_processorrequest", "BEFORE UPDATE ON cases_processorrequest", condition):
        events = AuditEvent.objects.filter(case=request.case).count()
        assert gate.post(body).status == 202
        kept = delivery_of(body)
        assert (kept.verdict, kept.applied_at, kept.processor_request) == (Verdict.RECEIVED, None, None)
        assert AuditEvent.objects.filter(case=request.case).count() == events
        CallbackDelivery.objects.filter(pk=kept.pk).update(received_at=timezone.now() - timedelta(minutes=1))
        sweeping.sweep()
        assert delivery_of(body).verdict == Verdict.RECEIVED
        assert gate.post(body).status == 202
        assert statuses(request.case) == (CaseStatus.WORKING, [RequestStatus.QUEUED, RequestStatus.COMPLETED])
    sweeping.sweep()
    kept = delivery_of(body)
    assert (kept.verdict, kept.processor_request, kept.body, kept.repeats) == (
        Verdict.APPLIED,
        request,
        body,
        1,
    )
    assert statuses(request.case)[0] == CaseStatus.REVIEW
    sweeping.sweep()
    assert status_events(request).count("completed") == 1
    assert audit.verify(f"case:{request.case.pk}") == []
    assert "broken" not in gate.portal.log("web")


def test_a_delivery_of_this_moment_is_left_to_its_own_request(gate: Gate) -> None:
    request = gate.request()
    body = gate.body(request)
    with trigger(
        "cases_processorrequest",
        "BEFORE UPDATE ON cases_processorrequest",
        f"NEW.subject_request_id = '{request.pk}'",
    ):
        gate.post(body)
    sweeping.sweep()
    assert delivery_of(body).verdict == Verdict.RECEIVED


LOST = {
    "refused at the insert": ("BEFORE INSERT ON cases_callbackdelivery", "true"),
    "refused at the commit": ("AFTER INSERT ON cases_callbackdelivery DEFERRABLE INITIALLY DEFERRED", "true"),
    "connection lost": ("BEFORE INSERT ON cases_callbackdelivery", "pg_terminate_backend(pg_backend_pid())"),
    "connection lost at the commit": (
        "AFTER INSERT ON cases_callbackdelivery DEFERRABLE INITIALLY DEFERRED",
        "pg_terminate_backend(pg_backend_pid())",
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_what_was_not_committed_is_not_acknowledged(gate: Gate, how: str) -> None:
    body = gate.body(gate.request())
    timing, failure = LOST[how]
    before = snapshot()
    digest = hashlib.sha256(body).hexdigest()
    with trigger("cases_callbackdelivery", timing, f"NEW.body_sha256 = '{digest}' AND {failure}"):
        answer = gate.post(body)
        assert (answer.status, answer.body) == (503, b"")
        assert snapshot() == before
    assert gate.post(body).status == 202
    assert (delivery_of(body).verdict, delivery_of(body).repeats) == (Verdict.APPLIED, 0)


def test_a_connection_lost_while_applying_loses_nothing(gate: Gate) -> None:
    """Either it is not acknowledged, and comes again, or it is kept for the sweep."""
    request = gate.request()
    body = gate.body(request)
    failure = f"NEW.subject_request_id = '{request.pk}' AND pg_terminate_backend(pg_backend_pid())"
    with trigger("cases_processorrequest", "BEFORE UPDATE ON cases_processorrequest", failure):
        before = snapshot(without=("cases_callbackdelivery",))
        answer = gate.post(body)
        assert snapshot(without=("cases_callbackdelivery",)) == before
        assert (answer.status, kept_unapplied(body)) in {(503, False), (202, True)}
    assert gate.post(body).status == 202
    CallbackDelivery.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    sweeping.sweep()
    assert delivery_of(body).verdict == Verdict.APPLIED


def kept_unapplied(body: bytes) -> bool:
    digest = hashlib.sha256(body).hexdigest()
    return CallbackDelivery.objects.filter(body_sha256=digest, verdict=Verdict.RECEIVED).exists()


def test_the_longest_partner_name_is_taken(gate: Gate) -> None:
    """Domain and name may be as long as names get; the sentence for a human has less room."""
    request = gate.request()
    partner = {"domain": "d" * 249 + ".com", "name": "", "status": "failed", "status_message": "no"}
    gate.post(gate.body(request, extensions=[partner]))
    assert request.forwarding_extensions.get().domain == partner["domain"]
    item = AttentionItem.objects.get(case=request.case)
    assert item.kind == AttentionKind.PARTNER_FAILED
    assert item.sentence.english.startswith("first could not forward the request to dddd")
