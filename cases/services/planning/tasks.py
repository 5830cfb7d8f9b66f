"""Manual tasks where the portal cannot reach: made with a due date, attested with a note."""

from datetime import date, timedelta

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.actor import SCHEDULE, Actor
from cases.clocks.deadline import local_date
from cases.lifecycle import DERIVED, Answer, RequestStatus
from cases.models import (
    Action,
    AttentionItem,
    AttentionKind,
    Case,
    Clock,
    ClockKind,
    ForwardingExtension,
    ManualTask,
    ProcessorRequest,
)
from cases.services import attention, audit, notes, progress, transition, versions
from cases.services.files import uploads
from cases.services.processors import concurrency
from cases.services.refusal import Refused, Superseded
from dsrportal import queueing
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.types import PartnerStatus, RequestType

KIND = "manual"
ATTESTABLE = (Answer.DONE, Answer.NO_DATA_HELD, Answer.NOT_APPLICABLE, Answer.REFUSED)
# Of partners: what somebody may have to do by hand instead.
UNREACHED = frozenset({PartnerStatus.FAILED, PartnerStatus.SKIPPED})


def by_hand(processor: Processor) -> bool:
    return Capability.BY_HAND in connector_class(processor.kind).capabilities


def make(request: ProcessorRequest, *, actor: Actor) -> ManualTask:
    """The task behind a request to a manual processor, as that processor's options say."""
    processor = request.processor
    assignee = User.objects.filter(username=processor.option("assignee"), is_active=True).first()
    task = ManualTask.objects.create(
        processor_request=request,
        instructions=processor.option("instructions"),
        assignee=assignee,
        due_on=_due_on(request.case, int(processor.option("days_before"))),
    )
    audit.of_request(
        Action.TASK_CREATED,
        request,
        actor=actor,
        details={
            "due_on": task.due_on.isoformat(),
            "assignee": assignee.get_username() if assignee else "",
        },
    )
    return task


def _due_on(case: Case, days_before: int) -> date:
    """So many days before the case, but never in the past."""
    clock = _clock(case)
    return max(_today(clock.zone), clock.due_on - timedelta(days=days_before))


def _clock(case: Case) -> Clock:
    return Clock.objects.get(case=case, kind=ClockKind.RESPONSE)


def _today(zone: str) -> date:
    """The day it is where the case's clock counts: a task's day is over when it is over there."""
    return local_date(timezone.now(), zone)


def assign(task: ManualTask, *, actor: Actor, assignee: User | None, due_on: date) -> ManualTask:
    """Assign an open task to somebody, or to nobody in particular, with a due date.

    Raises Refused for an inactive account, Superseded for a task that is attested already.
    """
    if assignee is not None and not assignee.is_active:
        raise Refused(Sentence("This account is not active. Choose another one."))
    with progress.locked_request(task.processor_request_id) as request:
        _refuse_ended(request)
        versions.refuse_conflict(request.case, actor=actor, touching=versions.TASK, request=request)
        changed = ManualTask.objects.filter(pk=task.pk, attested_at=None).update(
            assignee=assignee, due_on=due_on
        )
        if not changed:
            raise Superseded(Sentence("This task has already been attested."))
        audit.of_request(
            Action.TASK_ASSIGNED,
            request,
            actor=actor,
            details={
                "account": assignee.get_username() if assignee else "nobody",
                "due_on": due_on.isoformat(),
            },
        )
        if due_on >= _today(_clock(request.case).zone):
            attention.resolve_all(
                AttentionKind.TASK_OVERDUE, actor=actor, resolution="rescheduled", request=request
            )
            progress.settle(request.case, actor=actor)
    task.refresh_from_db()
    return task


def _refuse_ended(request: ProcessorRequest) -> None:
    if request.status in {RequestStatus.CANCELLED, RequestStatus.COMPLETED}:
        raise Refused(Sentence("This task has already ended."))


def attest(
    task: ManualTask, *, actor: Actor, answer: str, text: str, upload: UploadedFile | None = None
) -> ManualTask:
    """Attest what was done by hand: an answer of ATTESTABLE, a note, perhaps a file. It ends the request.

    Raises Refused where the note is missing, or where the task has not begun or has ended.
    Raises Superseded where it is attested already.
    """
    if answer not in ATTESTABLE:
        raise Refused(Sentence("Choose one of the listed results."))
    if not text.strip():
        raise Refused(Sentence("Describe in a note what was done and how you know."))
    with progress.locked_request(task.processor_request_id) as request:
        _refuse_ended(request)
        if request.status != RequestStatus.IN_PROGRESS:
            raise Refused(Sentence("This task has not started. The case must be approved first."))
        note = notes.write(request.case, text, actor=actor)
        if note is None:
            raise Refused(Sentence("A task must be attested by a user."))
        now = timezone.now()
        attested = ManualTask.objects.filter(pk=task.pk, attested_at=None)
        if not attested.update(attested_at=now, attested_by=actor.user, note=note):
            raise Superseded(Sentence("This task has already been attested."))
        transition.move_request(
            request,
            RequestStatus.COMPLETED,
            actor=actor,
            reported=True,
            action=Action.TASK_ATTESTED,
            note=note,
            fields={"answer": answer, "completed_at": now, "reported_at": now, "reported_status": "attested"},
        )
        if upload is not None:
            uploads.keep(request, upload, actor=actor)
        attention.resolve_all(AttentionKind.TASK_OVERDUE, actor=actor, resolution="attested", request=request)
        progress.settle(request.case, actor=actor)
        if request.case.type == RequestType.ERASURE:
            queueing.wake("cases.jobs.confirm", str(request.case_id))
    task.refresh_from_db()
    return task


def make_for_partner(partner: ForwardingExtension, *, actor: Actor) -> ManualTask:
    """Make a task for a partner that the processor did not reach: one for each, counted like any other answer.

    The partner becomes a manual processor of its own, asked on demand alone.
    Raises Refused for a closed case or a partner that was reached, Superseded where the task exists.
    """
    with progress.locked(partner.processor_request.case_id) as case:
        if case.status not in DERIVED:
            raise Refused(Sentence("The case is closed. Reopen it first."))
        partner = ForwardingExtension.objects.select_related("processor_request").get(pk=partner.pk)
        if partner.status not in UNREACHED:
            raise Refused(Sentence("Manual work is only needed for a partner that failed or was skipped."))
        if ProcessorRequest.objects.filter(for_partner=partner).exists():
            raise Superseded(Sentence("There is already a task for this partner."))
        parent = partner.processor_request
        request = ProcessorRequest.objects.create(
            case=case,
            processor=_processor_for(partner, actor=actor),
            position=ProcessorRequest.objects.filter(case=case).count(),
            for_partner=partner,
            status=RequestStatus.PLANNED,
            status_changed_at=timezone.now(),
            due_at=parent.due_at,
        )
        request.identities.set(parent.identities.all())
        task = make(request, actor=actor)
        transition.move_request(
            request, RequestStatus.QUEUED, actor=actor, fields={"queued_at": timezone.now()}
        )
        concurrency.wake(request.processor_id)
        if not _unreached_without_task(parent).exists():
            attention.resolve_all(
                AttentionKind.PARTNER_FAILED, actor=actor, resolution="by_hand", request=parent
            )
        progress.settle(case, actor=actor)
    return task


def _unreached_without_task(request: ProcessorRequest) -> QuerySet[ForwardingExtension]:
    return ForwardingExtension.objects.filter(
        processor_request=request, status=PartnerStatus.FAILED, task_request__isnull=True
    )


def _processor_for(partner: ForwardingExtension, *, actor: Actor) -> Processor:
    """The manual processor that stands for a partner, by its domain; made where there is none."""
    name = (partner.name or partner.domain)[:60]
    account = partner.domain[:100]
    if Processor.objects.filter(name=name).exclude(kind=KIND, account=account).exists():
        name = f"{name} ({partner.domain[:36]})"
    # Two cases may have met the same partner at once: whoever comes second takes what the first one made.
    processor, made = Processor.objects.get_or_create(
        kind=KIND, account=account, defaults={"name": name, "options": {"when": "on_demand"}}
    )
    if made:
        audit.record(
            Action.PROCESSOR_CREATED, actor=actor, processor=processor, details={"processor": processor.name}
        )
    return processor


# --- the schedule


def note_overdue() -> None:
    """Tell of tasks that have begun, whose day is over, and of which nobody was told since that day."""
    told = AttentionItem.objects.filter(
        Q(resolved_at=None) | ~Q(resolution="rescheduled"),
        kind=AttentionKind.TASK_OVERDUE,
        processor_request=OuterRef("processor_request"),
    )
    late = ManualTask.objects.filter(
        ~Exists(told),
        attested_at=None,
        # No day begins earlier than at UTC+14.
        due_on__lt=_today("Etc/GMT-14"),
        processor_request__status=RequestStatus.IN_PROGRESS,
        processor_request__case__clocks__kind=ClockKind.RESPONSE,
    ).order_by("due_on", "pk")
    days = late.values_list("processor_request", "due_on", "processor_request__case__clocks__zone")
    for request_id, due_on, zone in list(days[:1000]):
        if due_on >= _today(zone):
            continue
        with progress.locked_request(request_id) as request:
            if request.status != RequestStatus.IN_PROGRESS:
                continue
            due_on = ManualTask.objects.values_list("due_on", flat=True).get(processor_request=request)
            attention.open_item(
                AttentionKind.TASK_OVERDUE,
                Sentence(
                    "The manual task at %(processor)s was due %(due_on)s. Complete it and attest it.",
                    processor=request.processor.name,
                    due_on=due_on,
                ),
                actor=SCHEDULE,
                request=request,
            )
            progress.settle(request.case, actor=SCHEDULE)
