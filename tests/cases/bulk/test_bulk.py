"""Many cases at once: a frozen list, rows that are judged one by one, and no row done twice."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.lifecycle import CaseStatus
from cases.models import AuditEvent, BulkRow, BulkRun, BulkState, Case, Note, ProcessorRequest, RowState
from cases.services import audit
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from cases.services.planning import approval, change_plan, planning
from cases.services.refusal import Refused, Superseded
from cases.services.upkeep import sweeping
from cases.services.worklist import assigning
from dsrportal.models import User
from dsrportal.queueing import store
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account
from tests.cases.life import run_woken
from tests.cases.test_locking import until_somebody_waits

pytestmark = pytest.mark.django_db
# Where workers have connections of their own, or wakes must come.
for_real = pytest.mark.django_db(transaction=True)
KEYS = ("workspace_key", "workspace_secret", "input_key", "input_secret")


@pytest.fixture(autouse=True)
def _people() -> None:
    processor(name="Shop", credentials=dict.fromkeys(KEYS, "k"))
    for name in ("agnes", "pia"):
        account(name)


def some(make: Any, count: int, **more: Any) -> list[Case]:
    return [make(identities=[("email", f"p{number}@example.org")], **more) for number in range(count)]


def previewed(verb: str, *, by: str = "pia", cases: Any = None, **said: Any) -> BulkRun:
    """A run that waits to be confirmed."""
    cases = Case.objects.order_by("pk") if cases is None else cases
    run = bulk_runs.start(cases, verb=verb, said=said, actor=actor(by))
    bulk_work.prepare_now(run)
    assert run.state == BulkState.PREVIEWED
    return run


def done(run: BulkRun) -> BulkRun:
    """Confirmed by who started it, and worked through."""
    bulk_runs.begin(run, actor=actor(run.created_by))
    bulk_work.work(run.pk)
    run.refresh_from_db()
    return run


def states(run: BulkRun) -> dict[str, str]:
    """State by case; of a refusal also its sentence or code."""
    rows = BulkRow.objects.filter(run=run).select_related("case")
    return {row.case.reference: f"{row.state} {row.code}{row.sentence}".strip() for row in rows}


def actions(case: Case) -> list[str]:
    return list(AuditEvent.objects.filter(case=case).order_by("id").values_list("action", flat=True))


# --- the preview


def test_a_preview_counts_what_then_happens() -> None:
    erasures, access = some(ready_case, 3), ready_case(type="access", identities=[("email", "x@example.org")])
    own = ready_case(by="pia", identities=[("email", "own@example.org")])
    opened, closed = open_case(identities=[("email", "o@example.org")]), stages.denied()
    run = previewed("approve")
    assert run.total == 7
    assert run.preview["cases"] == 4
    assert run.preview["kinds"] == [["access", "gdpr", 1], ["erasure", "gdpr", 3]]
    assert run.preview["left_out"] == {"closed": 1, "not_ready": 1, "four_eyes": 1}
    assert [[name, number] for _key, name, number in run.preview["processors"]] == [["Shop", 4]]
    assert run.preview["cooling"] == 3
    assert sum(run.preview["ages"].values()) == 4
    assert not Case.objects.filter(status=CaseStatus.WORKING).exists()

    run = done(run)
    assert run.state == BulkState.DONE
    assert bulk_runs.counts(run) == {RowState.DONE: 4, RowState.LEFT_OUT: 3} == run.counts
    for case in (*erasures, access):
        case.refresh_from_db()
        assert (case.status, case.approved_by) == (CaseStatus.WORKING, User.objects.get(username="pia"))
    assert states(run)[own.reference] == "left_out four_eyes"
    assert states(run)[opened.reference] == "left_out not_ready"
    assert states(run)[closed.reference] == "left_out closed"


@pytest.mark.parametrize(
    ("verb", "by", "said"),
    [
        ("verify", "agnes", {"method": "signed_in"}),
        ("assign", "agnes", {}),
        ("tag", "agnes", {"add": ["vip"]}),
        ("approve", "pia", {}),
        ("deny", "pia", {"reason": "legal_obligation"}),
        ("cancel", "agnes", {}),
        ("close", "agnes", {"lesser": True}),
    ],
)
def test_who_is_left_out_is_who_would_be_refused(verb: str, by: str, said: dict[str, Any]) -> None:
    """Each condition mirrors a rule of the service: made to try all the same, those rows are refused, the rest done."""
    stages.denied()
    for make in (open_case, ready_case, approved_case, stages.in_review, stages.failed, stages.with_item):
        make()
    ready_case(by="pia")
    open_case(type="opt_out", regulation="ccpa", identities=[("controller_customer_id", "c1")])
    if verb == "assign":
        said = {"assignee": account("agnes").pk}
        taken = Case.objects.exclude(status=CaseStatus.CLOSED).earliest("pk")
        assigning.assign(taken, actor=actor("agnes"), assignee=account("agnes"), seen=None)
    run = previewed(verb, by=by, **said)
    left_out = BulkRow.objects.filter(run=run, state=RowState.LEFT_OUT)
    expected = set(left_out.values_list("pk", flat=True))
    assert 0 < len(expected) < run.total
    for row in left_out.select_related("case"):
        left_out.filter(pk=row.pk).update(state=RowState.WAITING, digest=planning.digest(row.case))
    run = done(run)
    refused = set(BulkRow.objects.filter(run=run, state=RowState.REFUSED).values_list("pk", flat=True))
    # Whoever is assigned like that already is no refusal: there is only nothing to do.
    already = set(BulkRow.objects.filter(run=run, code="assigned").values_list("pk", flat=True))
    assert refused == expected - already
    assert bulk_runs.counts(run).get(RowState.DONE, 0) == run.total - len(refused)


def test_freezing_and_counting_ask_equally_often_for_few_and_for_many() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            bulk_runs.start(
                Case.objects.all(), verb="deny", said={"reason": "legal_obligation"}, actor=actor("pia")
            )
        return len(captured)

    some(ready_case, 1)
    few = queries()
    some(ready_case, 6)
    assert queries() == few


def test_no_case_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="No cases were selected"):
        bulk_runs.start(Case.objects.none(), verb="tag", said={"add": ["x"]}, actor=actor("agnes"))
    some(open_case, 3)
    monkeypatch.setattr(bulk_runs, "MOST_CASES", 2)
    with pytest.raises(Refused, match="More than 2 cases"):
        bulk_runs.start(Case.objects.all(), verb="tag", said={"add": ["x"]}, actor=actor("agnes"))
    assert not BulkRun.objects.exists()


def test_plans_of_a_long_list_are_read_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_runs, "READ_AT_ONCE", 1)
    some(ready_case, 3)
    run = bulk_runs.start(Case.objects.all(), verb="approve", said={}, actor=actor("pia"))
    bulk_work.prepare_now(run)
    assert run.state == BulkState.PREPARING
    with pytest.raises(Superseded):
        bulk_runs.begin(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    run.refresh_from_db()
    assert (run.state, run.preview["cases"]) == (BulkState.PREVIEWED, 3)


# --- the freeze


def test_a_case_that_comes_later_is_not_touched_and_a_changed_plan_is_refused() -> None:
    first, changed = some(ready_case, 2)
    run = previewed("approve")
    late = ready_case(identities=[("email", "late@example.org")])
    change_plan.change(changed, actor=actor("agnes"), left_out={}, skip_waiting_period=True)
    run = done(run)
    assert states(run)[first.reference] == "done"
    assert states(run)[changed.reference].startswith("refused The plan has changed")
    for case in (changed, late):
        case.refresh_from_db()
        assert case.status == CaseStatus.READY
    # What was not looked at is not approved by trying again either.
    bulk_runs.retry(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert states(run)[changed.reference].startswith("refused The plan has changed")


# --- each row is judged anew


def test_who_loses_the_role_on_the_way_is_refused_and_may_go_on_once_they_have_it_again() -> None:
    cases = some(ready_case, 2)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    pia = User.objects.get(username="pia")
    pia.groups.clear()
    bulk_work.work(run.pk)
    assert set(states(run).values()) == {
        "refused The user who started this no longer has permission to do it."
    }
    assert not Case.objects.filter(status=CaseStatus.WORKING).exists()
    pia.groups.add(Group.objects.get(name="approver"))
    run.refresh_from_db()
    bulk_runs.retry(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert set(states(run).values()) == {"done"}
    assert {len(actions(case)) for case in cases} == {len(actions(cases[0]))}


def test_who_is_no_longer_active_does_nothing_more() -> None:
    some(ready_case, 1)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    User.objects.filter(username="pia").update(is_active=False)
    bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.REFUSED: 1}


def test_four_eyes_hold_for_each_row_also_when_they_close_after_the_preview() -> None:
    mine, other = some(ready_case, 2)
    run = previewed("approve")
    # Pia changes one of the plans and changes it back: she is the last who changed it.
    Case.objects.filter(pk=mine.pk).update(changed_by=User.objects.get(username="pia"))
    run = done(run)
    assert states(run)[other.reference] == "done"
    assert (
        "Whoever opened, verified or last changed an erasure or correction cannot approve it."
        in states(run)[mine.reference]
    )


def test_only_who_previewed_confirms() -> None:
    some(ready_case, 1)
    run = previewed("approve")
    with pytest.raises(
        Refused,
        match="Only the user who created the preview can confirm it, because it is based on their permissions",
    ):
        bulk_runs.begin(run, actor=actor("adam"))
    bulk_runs.begin(run, actor=actor("pia"))
    with pytest.raises(Superseded):
        bulk_runs.begin(run, actor=actor("pia"))


# --- the other verbs


def test_it_verifies_assigns_and_tags() -> None:
    cases = some(open_case, 2)
    assigning.tag(cases[0], actor=actor("agnes"), names=["old", "gone"])
    done(previewed("verify", by="agnes", method="document_seen", document="passport", text="As in the shop."))
    done(previewed("assign", by="agnes", assignee=User.objects.get(username="pia").pk))
    done(previewed("tag", by="agnes", add=["vip"], remove=["GONE"]))
    for case in cases:
        case.refresh_from_db()
        assert (case.status, case.assignee) == (CaseStatus.READY, User.objects.get(username="pia"))
    assert sorted(tag.name for tag in cases[0].tags.all()) == ["old", "vip"]
    assert [tag.name for tag in cases[1].tags.all()] == ["vip"]
    assert {note.text for note in Note.objects.all()} == {"As in the shop."}


def test_what_was_said_is_sealed_and_shredded_in_the_end() -> None:
    some(open_case, 1)
    run = done(
        previewed(
            "verify",
            by="agnes",
            method="document_seen",
            document="passport",
            text="Ada Lovelace, 12 St James",
        )
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT said FROM cases_bulkrun")
        assert b"Lovelace" not in bytes(cursor.fetchone()[0])
    bulk_runs.forget_forms()
    assert BulkRun.objects.get(pk=run.pk).said["text"].startswith("Ada")
    BulkRun.objects.update(finished_at=timezone.now() - bulk_runs.SAID_KEPT - timedelta(days=1))
    bulk_runs.forget_forms()
    with pytest.raises(Refused, match="expired"):
        bulk_runs.retry(BulkRun.objects.get(pk=run.pk), actor=actor("agnes"))


def test_a_lesser_outcome_is_not_closed_unseen() -> None:
    good, lesser = stages.in_review(), stages.answered("refused")
    run = done(previewed("close", by="agnes"))
    assert states(run)[good.reference] == "done"
    assert "Review this case and close it individually." in states(run)[lesser.reference]
    run = done(previewed("close", by="agnes", lesser=True))
    assert states(run)[lesser.reference] == "done"
    lesser.refresh_from_db()
    assert lesser.status == CaseStatus.CLOSED


# --- the trail


def test_the_trail_tells_of_the_run_and_of_each_case() -> None:
    case = some(ready_case, 1)[0]
    run = done(previewed("approve"))
    portal = AuditEvent.objects.filter(chain="portal", action__startswith="bulk.").order_by("id")
    assert [(event.action, event.actor_label) for event in portal] == [
        ("bulk.started", "pia"),
        ("bulk.finished", ""),
    ]
    assert portal[0].sentence == f"Started a bulk run: approve, cases: 1 ({run.pk})"
    assert "1 done, 0 refused" in portal[1].sentence
    approved = AuditEvent.objects.get(case=case, action="case.approved")
    assert (approved.actor_label, approved.address) == ("pia", "192.0.2.7")
    assert audit.verify("portal") == audit.verify(f"case:{case.pk}") == []


# --- workers that die, and two of them


class Killed(BaseException):
    """Nothing catches it: as a SIGKILL leaves the database, the transaction at hand is rolled back."""


def test_a_killed_worker_leaves_its_row_as_it_was_and_the_sweep_has_the_rest_done_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = some(ready_case, 5)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    approve, seen = approval.approve, []

    def die_at_the_third(case: Case, **more: Any) -> Case:
        seen.append(case.pk)
        approved = approve(case, **more)
        if len(seen) == 3:
            raise Killed
        return approved

    with monkeypatch.context() as patched:
        patched.setattr(approval, "approve", die_at_the_third)
        with pytest.raises(Killed):
            bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.DONE: 2, RowState.WAITING: 3}
    # Its lease stands: nobody else works at it, until it has ended.
    assert bulk_work.unattended(now=timezone.now()) == []
    bulk_work.work(run.pk)
    assert bulk_runs.counts(run)[RowState.DONE] == 2
    later = timezone.now() + timedelta(seconds=bulk_work.LEASE_SECONDS + 1)
    assert bulk_work.unattended(now=later) == [run.pk]
    BulkRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    bulk_work.work(run.pk)
    bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.DONE: 5}
    assert {actions(case).count("case.approved") for case in cases} == {1}


@for_real
def test_the_sweep_wakes_a_run_that_nobody_works_at() -> None:
    some(ready_case, 2)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    store().flushdb()
    sweeping.sweep()
    run_woken()
    run.refresh_from_db()
    assert (run.state, bulk_runs.counts(run)) == (BulkState.DONE, {RowState.DONE: 2})


def test_a_database_that_breaks_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    some(ready_case, 1)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))

    def broken(*_args: Any, **_more: Any) -> Case:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(approval, "approve", broken)
        with pytest.raises(OperationalError):
            bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.WAITING: 1}


def test_an_error_of_ours_fails_one_row_and_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = some(ready_case, 2)
    run = previewed("approve")
    approve = approval.approve

    def fails(case: Case, **more: Any) -> Case:
        if case.pk == first.pk:
            raise ValueError("ada@example.org")
        return approve(case, **more)

    with monkeypatch.context() as patched:
        patched.setattr(approval, "approve", fails)
        run = done(run)
    assert states(run)[first.reference] == "failed Internal error (ValueError)."
    assert states(run)[second.reference] == "done"
    bulk_runs.retry(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert set(states(run).values()) == {"done"}


@for_real
def test_two_workers_never_do_the_same_row_twice() -> None:
    """As if the lease had ended under a worker that still lives: both go through the same rows, on real connections."""
    cases = some(ready_case, 8)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    rows = list(BulkRow.objects.filter(run=run).order_by("pk").values_list("pk", flat=True))
    run = BulkRun.objects.select_related("data_key").get(pk=run.pk)
    together, wrong = threading.Barrier(2), []

    def work() -> None:
        try:
            together.wait(10)
            for key in rows:
                bulk_work.work_row(run, key)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    # Each may have skipped what the other held; what is left is done by whoever comes next.
    bulk_work.work(run.pk)
    assert not wrong
    assert bulk_runs.counts(run) == {RowState.DONE: 8}
    assert {actions(case).count("case.approved") for case in cases} == {1}


# --- stopping


@for_real
def test_a_stop_waits_for_the_row_under_way_and_leaves_the_rest() -> None:
    some(ready_case, 3)
    run = previewed("approve")
    bulk_runs.begin(run, actor=actor("pia"))
    row = BulkRow.objects.filter(run=run).order_by("pk")[0]
    run = BulkRun.objects.select_related("data_key").get(pk=run.pk)
    stopped = []

    def stop() -> None:
        try:
            bulk_runs.stop(BulkRun.objects.get(pk=run.pk), actor=actor("pia"))
            stopped.append(BulkRow.objects.get(pk=row.pk).state)
        finally:
            connection.close()

    stopper = threading.Thread(target=stop)
    with transaction.atomic():
        bulk_work.work_row(run, row.pk)
        stopper.start()
        until_somebody_waits()
    stopper.join(10)
    assert stopped == [RowState.DONE]
    bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.DONE: 1, RowState.WAITING: 2}
    assert AuditEvent.objects.filter(action="bulk.stopped").count() == 1
    run.refresh_from_db()
    bulk_runs.retry(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert bulk_runs.counts(run) == {RowState.DONE: 3}


def test_a_preview_can_be_dropped_and_is_then_never_done() -> None:
    some(ready_case, 1)
    run = previewed("approve")
    bulk_runs.stop(run, actor=actor("pia"))
    for again in (bulk_runs.begin, bulk_runs.retry):
        with pytest.raises(Refused):
            again(run, actor=actor("pia"))
    bulk_work.work(run.pk)
    assert not ProcessorRequest.objects.exclude(status="planned").exists()
    assert not AuditEvent.objects.filter(action__startswith="bulk.").exists()


def test_who_asked_the_person_by_a_link_is_left_out_of_the_preview_too() -> None:
    mine, other = some(ready_case, 2)
    Case.objects.filter(pk=mine.pk).update(verification_asked_by=User.objects.get(username="pia"))
    told = states(previewed("approve"))
    assert told[mine.reference] == "left_out four_eyes"
    assert told[other.reference] == "waiting"


def test_what_was_said_for_a_preview_that_nobody_confirmed_has_an_end_too() -> None:
    some(ready_case, 1)
    run = previewed("deny", reason="manifestly_unfounded", text="Ada Lovelace wrote again")
    bulk_runs.forget_forms()
    run.refresh_from_db()
    assert run.state == BulkState.PREVIEWED
    long_ago = timezone.now() - bulk_runs.SAID_KEPT - timedelta(days=1)
    BulkRun.objects.update(created_at=long_ago)
    bulk_runs.forget_forms()
    with pytest.raises(Superseded):
        bulk_runs.begin(run, actor=actor("pia"))
    BulkRun.objects.update(finished_at=long_ago)
    bulk_runs.forget_forms()
    run = BulkRun.objects.select_related("data_key").get(pk=run.pk)
    assert (run.state, run.data_key.destroyed_at is not None) == (BulkState.CANCELLED, True)
