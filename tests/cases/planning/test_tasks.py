"""What is done by hand: a task with a due date that counts like any other answer."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import timezone

from cases import jobs
from cases.actor import REPORT
from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus
from cases.models import (
    AttentionItem,
    AttentionKind,
    AuditEvent,
    Case,
    Clock,
    ForwardingExtension,
    ManualTask,
    ProcessorRequest,
)
from cases.services import progress
from cases.services.closing import closing
from cases.services.dispatch import dispatch
from cases.services.planning import tasks
from cases.services.refusal import Refused, Superseded
from cases.services.reports import reports
from cases.services.results import packages
from cases.services.upkeep import retention
from integrations.models import Processor
from integrations.types import PartnerReport, PartnerStatus
from tests.builders import actor, approved_case, manual, person, processor, ready_case
from tests.cases.test_locking import until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def begun(**more: Any) -> tuple[Case, ManualTask]:
    """A case at a manual processor alone, approved and with its task begun."""
    target = Processor.objects.filter(kind="manual").first() or manual()
    case = approved_case(**more)
    dispatch.drain(target.pk)
    return Case.objects.get(pk=case.pk), ManualTask.objects.get(processor_request__case=case)


def test_a_task_is_made_with_the_plan_as_the_processor_says() -> None:
    ben = person("ben")
    manual(instructions="Look in the cellar.", assignee="ben", days_before="7")
    case = ready_case()
    task = ManualTask.objects.get()
    assert (task.instructions, task.assignee) == ("Look in the cellar.", ben)
    assert task.due_on == case.clocks.get().due_on - timedelta(days=7)
    assert case.audit_events.filter(action="task.created").count() == 1


def test_a_task_is_never_due_in_the_past() -> None:
    manual(days_before="400")
    ready_case()
    assert ManualTask.objects.get().due_on >= timezone.now().date() - timedelta(days=1)


def test_an_attested_task_ends_the_case_like_any_answer() -> None:
    case, task = begun()
    assert case.status == CaseStatus.WORKING
    tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="Shredded the folder.")
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert closing.proposed_outcome(case) == Outcome.FULFILLED
    request = ProcessorRequest.objects.get()
    assert (request.status, request.answer) == (RequestStatus.COMPLETED, Answer.DONE)
    event = case.audit_events.get(action="task.attested")
    assert (event.actor_label, event.details["answer"]) == ("agnes", "done")
    assert "folder" not in "".join(AuditEvent.objects.values_list("canonical", flat=True))
    assert case.notes.get().text == "Shredded the folder."


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer.NO_DATA_HELD, Outcome.NO_DATA_HELD),
        (Answer.NOT_APPLICABLE, Outcome.NO_DATA_HELD),
        (Answer.REFUSED, Outcome.DENIED),
    ],
)
def test_what_is_attested_counts(answer: Answer, outcome: Outcome) -> None:
    case, task = begun()
    tasks.attest(task, actor=actor("agnes"), answer=answer, text="Looked.")
    assert closing.proposed_outcome(case) == outcome


def test_it_is_attested_once_with_a_note_and_by_a_listed_answer() -> None:
    _case, task = begun()
    with pytest.raises(Refused, match="note"):
        tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="  ")
    with pytest.raises(Refused, match="listed"):
        tasks.attest(task, actor=actor("agnes"), answer=Answer.ACCEPTED, text="Yes.")
    tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="Yes.")
    with pytest.raises(Refused, match="ended"):
        tasks.attest(task, actor=actor("agnes"), answer=Answer.REFUSED, text="No.")
    with pytest.raises(Refused, match="ended"):
        tasks.assign(task, actor=actor("agnes"), assignee=None, due_on=date(2027, 1, 1))


def test_a_task_of_a_case_that_nobody_approved_is_not_attested() -> None:
    manual()
    ready_case()
    with pytest.raises(Refused, match="approved first"):
        tasks.attest(ManualTask.objects.get(), actor=actor("agnes"), answer=Answer.DONE, text="Done.")


def test_a_task_is_handed_on() -> None:
    _case, task = begun()
    ben = person("ben")
    tasks.assign(task, actor=actor("agnes"), assignee=ben, due_on=date(2027, 1, 1))
    task.refresh_from_db()
    assert (task.assignee, task.due_on) == (ben, date(2027, 1, 1))
    ben.is_active = False
    ben.save()
    with pytest.raises(Refused, match="not active"):
        tasks.assign(task, actor=actor("agnes"), assignee=ben, due_on=date(2027, 1, 1))


def test_an_access_file_is_encrypted_downloaded_and_expires() -> None:
    case, task = begun(type="access")
    upload = SimpleUploadedFile("Ada Lovelace.txt", b"all about Ada " * 10_000)
    tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="Copied.", upload=upload)
    package = ProcessorRequest.objects.get().result_package
    assert package.expires_at is not None
    assert "Ada" not in package.stored_name
    assert b"".join(packages.download(package, actor=actor("agnes"))) == b"all about Ada " * 10_000
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


def test_a_proof_of_erasure_does_not_expire() -> None:
    _case, task = begun()
    upload = SimpleUploadedFile("protocol.pdf", b"%PDF")
    tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="See file.", upload=upload)
    assert ProcessorRequest.objects.get().result_package.expires_at is None
    assert retention.expired_packages() == 0


def test_an_empty_file_is_refused_and_nothing_is_attested() -> None:
    _case, task = begun()
    with pytest.raises(Refused, match="empty"):
        tasks.attest(
            task, actor=actor("agnes"), answer=Answer.DONE, text="x", upload=SimpleUploadedFile("a", b"")
        )
    task.refresh_from_db()
    assert task.attested_at is None


def test_somebody_is_told_once_of_a_task_that_is_overdue() -> None:
    case, task = begun()
    ManualTask.objects.update(due_on=timezone.now().date() - timedelta(days=1))
    jobs.reports()
    jobs.reports()
    assert AttentionItem.objects.get().kind == AttentionKind.TASK_OVERDUE
    tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="At last.")
    assert AttentionItem.objects.get().resolution == "attested"
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


@pytest.mark.parametrize(
    ("zone", "last_instant"),
    [
        ("Europe/Berlin", datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 7, 2, 6, 59, 59, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 7, 1, 9, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_day_of_a_task_ends_where_its_case_counts(zone: str, last_instant: datetime) -> None:
    _case, task = begun()
    Clock.objects.update(zone=zone)
    ManualTask.objects.update(due_on=date(2026, 7, 1))
    with time_machine.travel(last_instant, tick=False):
        tasks.note_overdue()
    assert not AttentionItem.objects.exists()
    with time_machine.travel(last_instant + timedelta(seconds=1), tick=False):
        tasks.note_overdue()
        assert AttentionItem.objects.get().kind == AttentionKind.TASK_OVERDUE
        tasks.assign(task, actor=actor("agnes"), assignee=None, due_on=date(2026, 7, 1))
        assert AttentionItem.objects.get().resolved_at is None, "that day is over"
        tasks.assign(task, actor=actor("agnes"), assignee=None, due_on=date(2026, 7, 2))
        assert AttentionItem.objects.get().resolution == "rescheduled"


def with_partner(status: PartnerStatus) -> ForwardingExtension:
    """An erasure whose processor reports one partner in this state."""
    processor()
    case = approved_case()
    request = case.requests.get()
    with progress.locked_request(request.pk) as locked:
        said = PartnerReport("kochava.com", "Kochava", status, str(status))
        reports._apply_partners(locked, (said,), actor=REPORT)
        progress.settle(locked.case, actor=REPORT)
    return ForwardingExtension.objects.get()


@pytest.mark.parametrize("status", [PartnerStatus.FAILED, PartnerStatus.SKIPPED])
def test_a_partner_that_was_not_reached_becomes_a_task(status: PartnerStatus) -> None:
    partner = with_partner(status)
    task = tasks.make_for_partner(partner, actor=actor("agnes"))
    request = task.processor_request
    assert (request.status, request.for_partner) == (RequestStatus.QUEUED, partner)
    assert (request.processor.kind, request.processor.account) == ("manual", "kochava.com")
    assert {i.pk for i in request.identities.all()} == {
        i.pk for i in partner.processor_request.identities.all()
    }
    assert not AttentionItem.objects.filter(resolved_at=None).exists()
    with pytest.raises(Superseded):
        tasks.make_for_partner(partner, actor=actor("agnes"))
    # It is asked on demand alone: the next case plans nothing there.
    assert {each.processor.kind for each in ready_case().requests.all()} == {"mparticle"}
    dispatch.drain(request.processor_id)
    task = tasks.attest(task, actor=actor("agnes"), answer=Answer.DONE, text="Called them.")
    assert not progress.unanswered_partners().filter(status=PartnerStatus.FAILED).exists()


def test_a_partner_that_was_reached_needs_no_task() -> None:
    partner = with_partner(PartnerStatus.SENT)
    with pytest.raises(Refused, match="failed or was skipped"):
        tasks.make_for_partner(partner, actor=actor("agnes"))


def test_nothing_is_begun_for_a_partner_of_a_closed_case() -> None:
    partner = with_partner(PartnerStatus.FAILED)
    case = partner.processor_request.case
    # As after a closing with a reason: the partner is still unreached.
    Case.objects.filter(pk=case.pk).update(
        status=CaseStatus.CLOSED, outcome=Outcome.PARTLY_FULFILLED, closed_at=timezone.now()
    )
    with pytest.raises(Refused, match="Reopen"):
        tasks.make_for_partner(partner, actor=actor("agnes"))
    assert not ManualTask.objects.exists()


def test_two_cases_that_meet_a_partner_at_once_share_its_processor() -> None:
    partner = with_partner(PartnerStatus.FAILED)
    agnes, started = actor("agnes"), threading.Event()
    made: list[ManualTask | Exception] = []

    def make() -> None:
        started.set()
        try:
            made.append(tasks.make_for_partner(partner, actor=agnes))
        except Exception as error:
            made.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=make)
    with transaction.atomic():
        first = manual("kochava.com")
        other.start()
        started.wait(10)
        until_somebody_waits()
    other.join(10)
    (task,) = made
    assert isinstance(task, ManualTask), task
    assert task.processor_request.processor == first


def test_a_task_with_a_new_day_is_overdue_anew() -> None:
    case, task = begun()
    ManualTask.objects.update(due_on=timezone.now().date() - timedelta(days=3))
    jobs.reports()
    tasks.assign(task, actor=actor("agnes"), assignee=None, due_on=timezone.now().date() + timedelta(days=1))
    assert AttentionItem.objects.get().resolution == "rescheduled"
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING
    ManualTask.objects.update(due_on=timezone.now().date() - timedelta(days=1))
    jobs.reports()
    assert AttentionItem.objects.filter(resolved_at=None).count() == 1


def test_a_partner_that_fails_in_other_words_is_not_told_of_again_beside_its_task() -> None:
    partner = with_partner(PartnerStatus.FAILED)
    tasks.make_for_partner(partner, actor=actor("agnes"))
    with progress.locked_request(partner.processor_request_id) as locked:
        said = PartnerReport("kochava.com", "Kochava", PartnerStatus.FAILED, "failed_for_good")
        assert reports._apply_partners(locked, (said,), actor=REPORT)
    assert not AttentionItem.objects.filter(resolved_at=None).exists()
