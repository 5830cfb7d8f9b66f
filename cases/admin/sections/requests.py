"""Cards of a case's processor requests."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Prefetch, Q
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


def cards(case: Case, searches: Iterable[SearchLine] = ()) -> list[RequestCard]:
    """In the order of the plan; what was replaced comes with it, since its history is the case's."""
    requests = list(
        ProcessorRequest.objects.filter(case=case)
        .select_related(
            "processor", "replaced_by", "task__assignee", "task__attested_by", "for_partner", "result_package"
        )
        .annotate(was_looked_into=Q(result_package__summary__isnull=False))
        .defer("result_package__summary")
        .prefetch_related(Prefetch("identities", SubjectIdentity.objects.select_related("subject__data_key")))
    )
    keys = [request.pk for request in requests]
    partners = _grouped(
        ForwardingExtension.objects.filter(processor_request__in=keys).select_related(
            "processor_request__case__data_key", "task_request__processor"
        )
    )
    deliveries = _grouped(
        CallbackDelivery.objects.filter(processor_request__in=keys)
        .defer("body", "headers")
        .order_by("received_at")
    )
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
        for request in requests
    ]


def remarks(request: ProcessorRequest, *, now: datetime) -> list[tuple[str, str]]:
    """What a status alone does not say, computed and never stored: sending, unknown, paused, trying again."""
    found: list[tuple[str, str]] = []
    leased = request.lease_until is not None and request.lease_until > now
    if leased:
        found.append(("info", _("Being worked on at this moment.")))
    elif request.outcome_unknown and request.status == RequestStatus.QUEUED:
        found.append(
            ("warn", _("Outcome unknown: the processor is asked for this id before anything is sent again."))
        )
    if request.cancel_requested_at and request.status != RequestStatus.CANCELLED:
        found.append(("warn", _("Cancelling was asked for; the processor has not confirmed it.")))
    if request.held and request.status == RequestStatus.QUEUED:
        found.append(("warn", _("Held: it is not sent while its case waits for another.")))
    waits = request.status in {RequestStatus.QUEUED, RequestStatus.PENDING, RequestStatus.IN_PROGRESS}
    if waits and request.processor.paused_at:
        found.append(("warn", _("The processor is paused: nothing is sent until it is resumed.")))
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
            "Tried again within %(minutes)d minute.", "Tried again within %(minutes)d minutes.", minutes
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
