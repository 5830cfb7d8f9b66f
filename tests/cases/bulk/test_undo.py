"""The cool-off: what is approved in bulk waits, and can be undone until its first attempt."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AuditEvent, BulkRow, BulkState, Case, ProcessorRequest, RowState
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import undo as bulk_undo
from cases.services.bulk import work as bulk_work
from cases.services.dispatch import cool_off, dispatch, leases, send_times
from cases.services.planning import approval, planning
from cases.services.refusal import Refused, Superseded
from cases.services.status import forecast, whose_turn
from cases.services.upkeep import sweeping
from dsrportal.models import User
from integrations.models import Processor
from tests.builders import actor, approved_case, processor, ready_case
from tests.cases.admin.desk_users import account
from tests.cases.bulk.test_bulk import done, previewed, some
from tests.cases.test_locking import until_somebody_waits
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db
for_real = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Processor:
    for name in ("agnes", "pia"):
        account(name)
    return processor(name="Shop")


def in_eleven_minutes() -> None:
    """As if the cool-off were over."""
    past = timezone.now() - timedelta(seconds=1)
    ProcessorRequest.objects.filter(not_before_at__isnull=False).update(not_before_at=past)


def row_of(case: Case) -> BulkRow:
    return BulkRow.objects.select_related("run", "case").get(case=case)


# --- waiting


def test_erasures_wait_and_access_cases_do_not(shop: Processor) -> None:
    erasure = some(ready_case, 1)[0]
    access = ready_case(type="access", identities=[("email", "x@example.org")])
    alone = approved_case(identities=[("email", "alone@example.org")])
    done(previewed("approve"))
    until = erasure.requests.get().not_before_at
    assert until is not None
    assert timedelta(seconds=590) < until - timezone.now() <= timedelta(seconds=600)
    due = set(leases.due(now=timezone.now()).values_list("case", flat=True))
    assert due == {access.pk, alone.pk}
    assert {request.case_id for request in leases.claim(shop)} == due
    assert send_times.queued(shop) == 3

    in_eleven_minutes()
    assert leases.claim(shop) == []
    assert cool_off.end_due(now=timezone.now()) == 1
    assert [request.case_id for request in leases.claim(shop)] == [erasure.pk]


def test_it_can_be_switched_off(shop: Processor, settings: Settings) -> None:
    settings.BULK_COOL_OFF_SECONDS = 0
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    assert case.requests.get().not_before_at is None


def test_whoever_looks_is_told_until_when(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    case.refresh_from_db()
    until = timezone.localtime(case.requests.get().not_before_at)
    said = whose_turn.for_case(case, now=timezone.now())
    assert f"Waiting until {until:%H:%M}. It can be undone until then" in said.sentence.english
    later = timezone.now() + timedelta(hours=2)
    assert not whose_turn.stuck(now=later).filter(pk=case.pk).exists()
    expected = forecast.predict(case, now=timezone.now())
    assert expected is not None
    assert expected.ends_at >= until


@for_real
def test_the_lane_is_woken_when_it_is_over_and_sends_it(sandbox: Sandbox) -> None:
    for name in ("agnes", "pia"):
        account(name)
    shop = processor(sandbox)
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    dispatch.run_lane(shop.pk)
    assert case.requests.get().status == RequestStatus.QUEUED
    in_eleven_minutes()
    dispatch.run_lane(shop.pk)
    assert case.requests.get().status == RequestStatus.PENDING


def test_the_sweep_lets_it_go_too(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    sweeping.sweep()
    assert case.requests.get().not_before_at is not None
    in_eleven_minutes()
    sweeping.sweep()
    assert case.requests.get().not_before_at is None


def test_what_waits_is_in_an_index_of_its_own(shop: Processor) -> None:
    """A claim reads what is due in its order and meets nothing that cools off; sorting and filtering are not needed."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        wanted = leases.due(now=timezone.now()).filter(processor=shop).values_list("pk")[:10]
        sql, params = wanted.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "request_due" in plan
    assert "Sort" not in plan
    assert "not_before_at" not in plan


# --- undoing


def test_an_undone_case_is_ready_again_with_the_same_plan_and_can_be_approved_anew(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    run = done(previewed("approve"))
    bulk_undo.undo(row_of(case), actor=actor("pia"))
    case.refresh_from_db()
    assert (case.status, case.approved_by, case.approval_digest) == (CaseStatus.READY, None, "")
    assert [request.processor for request in planning.standing_requests(case)] == [shop]
    assert (row_of(case).state, bulk_runs.counts(run)) == (RowState.UNDONE, {RowState.UNDONE: 1})
    event = AuditEvent.objects.get(case=case, action="case.approval_undone")
    assert (event.actor_label, event.sentence) == ("pia", "Undid the approval before anything was sent")
    # It was no change of the plan: who undid it is no second person the less.
    approval.approve(case, actor=actor("pia"), digest=planning.digest(case))
    with pytest.raises(Superseded):
        bulk_undo.undo(row_of(case), actor=actor("pia"))


def test_after_its_first_attempt_nothing_is_undone(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    in_eleven_minutes()
    cool_off.end_due(now=timezone.now())
    # Over, but nobody has tried: still time.
    with transaction.atomic():
        bulk_undo.undo(row_of(case), actor=actor("pia"))
        assert row_of(case).state == RowState.UNDONE
        transaction.set_rollback(True)
    assert leases.claim(shop)
    with pytest.raises(
        Refused, match="Part of this plan has already been sent, so it can no longer be changed"
    ):
        bulk_undo.undo(row_of(case), actor=actor("pia"))
    case.refresh_from_db()
    assert (case.status, row_of(case).state) == (CaseStatus.WORKING, RowState.DONE)


def test_what_was_approved_anew_since_is_not_undone_with_it(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    run = done(previewed("approve"))
    bulk_undo.undo(row_of(case), actor=actor("pia"))
    again = done(previewed("approve"))
    BulkRow.objects.filter(run=run).update(state=RowState.DONE)
    until = case.requests.get(status=RequestStatus.QUEUED).not_before_at
    with pytest.raises(Refused, match="This approval is no longer valid, so there is nothing to undo"):
        bulk_undo.undo(run.rows.get(), actor=actor("pia"))
    bulk_undo.undo_all(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert case.requests.get(status=RequestStatus.QUEUED).not_before_at == until
    assert (run.rows.get().state, again.rows.get().state) == (RowState.DONE, RowState.DONE)


def test_all_that_is_left_is_undone_and_what_has_left_stays(shop: Processor) -> None:
    cases = some(ready_case, 3)
    run = done(previewed("approve"))
    sent = cases[0]
    sent.requests.update(not_before_at=None)
    assert len(leases.claim(shop)) == 1
    bulk_undo.undo_all(run, actor=actor("adam"))
    # Not yet undone, and past its time: it does not leave while it is being undone.
    assert cool_off.end_due(now=timezone.now() + timedelta(minutes=11)) == 0
    account("adam")
    bulk_work.work(run.pk)
    run.refresh_from_db()
    assert (run.state, bulk_runs.counts(run)) == (BulkState.DONE, {RowState.DONE: 1, RowState.UNDONE: 2})
    assert "Not undone" in row_of(sent).sentence.english
    assert {case.status for case in Case.objects.exclude(pk=sent.pk)} == {CaseStatus.READY}
    assert AuditEvent.objects.filter(action="bulk.undo_started", actor_label="adam").count() == 1
    with pytest.raises(Refused):
        bulk_undo.undo_all(previewed("tag", by="agnes", add=["x"]), actor=actor("pia"))


def test_who_loses_the_role_undoes_nothing_and_the_cases_go_on(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    run = done(previewed("approve"))
    bulk_undo.undo_all(run, actor=actor("pia"))
    User.objects.get(username="pia").groups.clear()
    bulk_work.work(run.pk)
    assert (
        "The user who requested the undo no longer has permission to do this."
        in row_of(case).sentence.english
    )
    assert cool_off.end_due(now=timezone.now()) == 1


def test_undoing_all_stops_what_still_runs(shop: Processor) -> None:
    some(ready_case, 3)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    run.refresh_from_db()
    bulk_work.work_row(run, BulkRow.objects.filter(run=run).order_by("pk")[0].pk)
    bulk_undo.undo_all(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    run.refresh_from_db()
    assert (run.state, bulk_runs.counts(run)) == (
        BulkState.CANCELLED,
        {RowState.UNDONE: 1, RowState.WAITING: 2},
    )
    assert not Case.objects.filter(status=CaseStatus.WORKING).exists()


# --- two at once, on real connections


@for_real
def test_who_undoes_while_a_lane_claims_is_second(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    in_eleven_minutes()
    cool_off.end_due(now=timezone.now())
    said: list[str] = []

    def undo() -> None:
        try:
            bulk_undo.undo(row_of(case), actor=actor("pia"))
        except Refused as refused:
            said.append(str(refused))
        finally:
            connection.close()

    undoing = threading.Thread(target=undo)
    with transaction.atomic():
        assert len(leases.claim(shop)) == 1
        undoing.start()
        until_somebody_waits()
    undoing.join(10)
    assert "Part of this plan has already been sent, so it can no longer be changed." in said[0]
    assert case.requests.get().attempts == 1


@for_real
def test_a_lane_that_claims_while_it_is_undone_finds_nothing(shop: Processor) -> None:
    case = some(ready_case, 1)[0]
    done(previewed("approve"))
    in_eleven_minutes()
    cool_off.end_due(now=timezone.now())
    claimed: list[int] = []

    def claim() -> None:
        try:
            claimed.append(len(leases.claim(shop)))
        finally:
            connection.close()

    with transaction.atomic():
        bulk_undo.undo(row_of(case), actor=actor("pia"))
        claiming = threading.Thread(target=claim)
        claiming.start()
        claiming.join(10)
    assert claimed == [0]
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    assert leases.claim(shop) == []


@for_real
def test_what_is_locked_is_let_go_the_next_time_and_nobody_waits_for_it(shop: Processor) -> None:
    """Whoever takes an approval back locks requests one by one: a lane that waited for one while it held another, and
    the other way round, would stop both."""
    some(ready_case, 2)
    done(previewed("approve"))
    in_eleven_minutes()
    first, second = ProcessorRequest.objects.order_by("pk")
    lifted: list[int] = []

    def lift() -> None:
        try:
            lifted.append(cool_off.end_due(now=timezone.now()))
        finally:
            connection.close()

    with transaction.atomic():
        ProcessorRequest.objects.select_for_update().get(pk=second.pk)
        lifting = threading.Thread(target=lift)
        lifting.start()
        lifting.join(10)
    assert lifted == [1]
    assert list(leases.due(now=timezone.now())) == [first]
    assert cool_off.end_due(now=timezone.now()) == 1
