"""Cards of a case's processor requests."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.sections.person import SearchLine, masked
from cases.lifecycle import RequestStatus
from cases.models import (
    CallbackDelivery,
    Case,
    ForwardingExtension,
    ManualTask,
    PackageState,
    ProcessorRequest,
    ResultPackage,
    SubjectIdentity,
)
from cases.services.planning.tasks import UNREACHED
from cases.services.results import packages
from cases.services.status.request_status_text import ERRORS_IN_WORDS
from dsrportal.crypto import Unreadable
from dsrportal.database.prepared import Given, Prepared, know
from dsrportal.sentence import Sentence, within
from integrations.types import PartnerStatus

PARTNER_TONES: Final[dict[str, str]] = {
    PartnerStatus.FAILED: "bad",
    PartnerStatus.SENT: "info",
    PartnerStatus.COMPLETED: "good",
    PartnerStatus.SKIPPED: "quiet",
}
PACKAGE_TONES: Final[dict[str, str]] = {
    PackageState.FETCHED: "good",
    PackageState.NO_DATA: "quiet",
    PackageState.MISSED: "bad",
    PackageState.TOO_LARGE: "bad",
    PackageState.SEALED: "bad",
    PackageState.EXPIRED: "quiet",
}


@dataclass(frozen=True, slots=True)
class Partner:
    row: ForwardingExtension
    tone: str
    message: str
    # The request that somebody works by hand instead of it.
    task_request: ProcessorRequest | None = None

    @property
    def can_have_task(self) -> bool:
        return self.row.status in UNREACHED and self.task_request is None


@dataclass(frozen=True, slots=True)
class TaskCard:
    """Work by hand behind a request. It begins when the case is approved."""

    row: ManualTask
    days: int

    @property
    def is_open(self) -> bool:
        return self.row.attested_at is None and self.row.processor_request.status not in {
            RequestStatus.CANCELLED,
            RequestStatus.COMPLETED,
        }

    @property
    def has_begun(self) -> bool:
        return self.is_open and self.row.processor_request.status == RequestStatus.IN_PROGRESS

    @property
    def days_words(self) -> str:
        return widgets.days_in_words(self.days)

    @property
    def due_tone(self) -> str:
        return widgets.due_tone(self.days)


@dataclass(frozen=True, slots=True)
class RequestCard:
    request: ProcessorRequest
    identities: list[tuple[str, str]]
    # What is happening to it at this moment: (tone, sentence).
    remarks: list[tuple[str, str]]
    partners: list[Partner]
    deliveries: list[CallbackDelivery]
    package: ResultPackage | None
    task: TaskCard | None = None
    # Of an erasure: what was found when the person was looked for afterwards.
    confirmations: list[SearchLine] = field(default_factory=list)

    @property
    def dropped(self) -> bool:
        """Of a plan that was never approved, or whose approval was void before anything left."""
        return self.request.status == RequestStatus.CANCELLED and self.request.queued_at is None

    @property
    def partners_in_words(self) -> str:
        """How many partners stand where: 3 sent, 1 skipped."""
        counted = Counter(within(partner.row.get_status_display()) for partner in self.partners)
        return ", ".join(f"{count} {status}" for status, count in counted.most_common())

    @property
    def partner_failed(self) -> bool:
        return any(partner.row.status == PartnerStatus.FAILED for partner in self.partners)

    @property
    def package_tone(self) -> str:
        return PACKAGE_TONES[self.package.state] if self.package else "quiet"

    @property
    def package_doubt(self) -> Sentence | None:
        """Why the package is kept sealed, in words."""
        if self.package is None or not self.package.doubt:
            return None
        return packages.why_sealed(self.package.doubt, name=self.request.processor.name)


# --- the questions, all by the key of the case

REQUESTS: Final = Prepared(
    lambda: (
        ProcessorRequest.objects.filter(case=Given("case"))
        .select_related("processor", "for_partner", "result_package")
        .annotate(was_looked_into=Q(result_package__summary__isnull=False))
        .defer("result_package__summary")
    )
)
TASKS: Final = Prepared(
    lambda: ManualTask.objects.filter(processor_request__case=Given("case")).select_related(
        "assignee", "attested_by"
    )
)
IDENTITIES: Final = Prepared(
    lambda: (
        ProcessorRequest.identities.through.objects.filter(processorrequest__case=Given("case"))
        .select_related("subjectidentity__subject__data_key")
        .order_by("subjectidentity__position")
    )
)
PARTNERS: Final = Prepared(lambda: ForwardingExtension.objects.filter(processor_request__case=Given("case")))
DELIVERIES: Final = Prepared(
    lambda: (
        CallbackDelivery.objects.filter(processor_request__case=Given("case"))
        .defer("body", "headers")
        .order_by("received_at")
    )
)


QUESTIONS: Final[dict[str, Prepared[Any]]] = {
    "requests": REQUESTS,
    "tasks": TASKS,
    "identities_of": IDENTITIES,
    "partners": PARTNERS,
    "deliveries": DELIVERIES,
}


@dataclass(frozen=True, slots=True)
class RequestRows:
    """The answers to `QUESTIONS`: requests and what belongs to them."""

    requests: list[ProcessorRequest]
    tasks: list[ManualTask]
    # Rows of the table between requests and identities.
    identities_of: list[Any]
    partners: list[ForwardingExtension]
    deliveries: list[CallbackDelivery]


def join(case: Case, rows: RequestRows) -> None:
    """Let each request know its case, its identities, its task and what replaces it, and each partner its requests."""
    by_key = {request.pk: request for request in rows.requests}
    tasks = {task.processor_request_id: task for task in rows.tasks}
    replacing = {request.replaces_id: request for request in rows.requests}
    instead = {request.for_partner_id: request for request in rows.requests}
    identities: dict[UUID, list[SubjectIdentity]] = defaultdict(list)
    for each in rows.identities_of:
        identities[each.processorrequest_id].append(each.subjectidentity)
    for request in rows.requests:
        task, replaced_by = tasks.get(request.pk), replacing.get(request.pk)
        know(request, case=case, identities=identities[request.pk], task=task, replaced_by=replaced_by)
        if task is not None:
            know(task, processor_request=request)
    for partner in rows.partners:
        # Of a request that came a moment later there is no card.
        if partner.processor_request_id in by_key:
            asked = by_key[partner.processor_request_id]
            know(partner, processor_request=asked, task_request=instead.get(partner.pk))


def cards(rows: RequestRows, searches: Iterable[SearchLine] = ()) -> list[RequestCard]:
    """In the order of the plan; what was replaced comes with it, since its history is the case's."""
    partners, deliveries = _grouped(rows.partners), _grouped(rows.deliveries)
    confirmations: dict[UUID | None, list[SearchLine]] = defaultdict(list)
    for line in searches:
        confirmations[line.search.processor_request_id].append(line)
    now = timezone.now()
    return [
        RequestCard(
            request=request,
            identities=[(i.get_type_display(), masked(i)) for i in request.identities.all()],
            remarks=remarks(request, now=now),
            partners=[_partner(row) for row in partners[request.pk]],
            deliveries=deliveries[request.pk],
            package=getattr(request, "result_package", None),
            task=_task(request),
            # Asked twice on a day and answered alike, it is said once.
            confirmations=list({line.sentence: line for line in confirmations[request.pk]}.values()),
        )
        for request in rows.requests
    ]


def remarks(request: ProcessorRequest, *, now: datetime) -> list[tuple[str, str]]:
    """What a status alone does not say, computed and never stored: sending, unknown, paused, trying again."""
    found: list[tuple[str, str]] = []
    leased = request.lease_until is not None and request.lease_until > now
    if leased:
        found.append(("info", _("Being processed right now.")))
    elif request.outcome_unknown and request.status == RequestStatus.QUEUED:
        found.append(
            (
                "warn",
                _(
                    "Outcome unknown. The processor is asked for the status of this ID before anything is sent "
                    "again."
                ),
            )
        )
    if request.cancel_requested_at and request.status != RequestStatus.CANCELLED:
        found.append(("warn", _("Cancellation requested. The processor has not confirmed it yet.")))
    if request.held and request.status == RequestStatus.QUEUED:
        found.append(("warn", _("On hold. It is not sent while its case waits for another case.")))
    waits = request.status in {RequestStatus.QUEUED, RequestStatus.PENDING, RequestStatus.IN_PROGRESS}
    if waits and request.processor.paused_at:
        found.append(("warn", _("The processor is paused. Nothing is sent until it is resumed.")))
    if request.last_error and (waits or request.status == RequestStatus.FAILED):
        found.append(("bad" if request.status == RequestStatus.FAILED else "warn", _last_error(request, now)))
    replaced_by = getattr(request, "replaced_by", None)
    if replaced_by:
        found.append(("quiet", _("Replaced by a new request.")))
    return found


def _last_error(request: ProcessorRequest, now: datetime) -> str:
    words = str(ERRORS_IN_WORDS.get(request.last_error, request.last_error.replace("_", " ")))
    if request.last_http_status:
        words += f" (HTTP {request.last_http_status})"
    sentence = _("Last attempt: %(words)s.") % {"words": words}
    if request.next_attempt_at and request.next_attempt_at > now:
        minutes = int((request.next_attempt_at - now).total_seconds() // 60) + 1
        again = ngettext(
            "Next attempt within %(minutes)d minute.", "Next attempt within %(minutes)d minutes.", minutes
        )
        sentence += " " + again % {"minutes": minutes}
    return sentence


def _task(request: ProcessorRequest) -> TaskCard | None:
    task: ManualTask | None = getattr(request, "task", None)
    if task is None:
        return None
    return TaskCard(task, (task.due_on - timezone.localdate()).days)


def _partner(row: ForwardingExtension) -> Partner:
    try:
        message = row.message
    except Unreadable:
        message = ""
    return Partner(
        row, PARTNER_TONES.get(row.status, "wait"), message, task_request=getattr(row, "task_request", None)
    )


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.processor_request_id].append(row)
    return found
