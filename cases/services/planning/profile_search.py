"""Asking processors whether they know a person, and what they say in words.

What was not found is no proof of erasure: a search follows the processor's own rules of who is who. And what is found
after an erasure can be a new profile, made by new data since. Both are said as what they are.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from cases.actor import REPORT, SCHEDULE, Actor
from cases.lifecycle import Answer, CaseStatus
from cases.models import (
    Action,
    Case,
    Finding,
    ProcessorRequest,
    ProfileSearch,
    Purpose,
)
from cases.services import audit, progress
from cases.services.planning import planning
from cases.services.processors import accounts
from cases.services.refusal import Refused
from dsrportal.crypto import Unreadable
from dsrportal.sentence import Sentence
from integrations.connector import Capability
from integrations.errors import IntegrationError, Unauthorized, Unsupported
from integrations.models import Processor
from integrations.registry import connector_class, connector_for
from integrations.types import Identity, Match

logger = logging.getLogger(__name__)

# How long a case that was planned may be without a preview before one that was lost is knocked for, and until when.
PREVIEW_LOST = timedelta(minutes=1)
PREVIEW_MISSED = timedelta(hours=1)
AT_ONCE = 200


def can_search(processor: Processor) -> bool:
    return Capability.SEARCH in connector_class(processor.kind).capabilities


def preview(case: Case, *, actor: Actor) -> list[ProfileSearch]:
    """Ask each processor of the plan that can be searched what it would match. Raises Refused where none can.

    Calls processors: outside any transaction.
    """
    try:
        draft = planning.draft_of(case)
    except Unreadable:
        raise Refused(
            Sentence("The identifiers can no longer be read, so no processor can be searched for them.")
        ) from None
    sending = set(Processor.objects.sending().values_list("pk", flat=True))
    asked = _of_plan(case) or [each.processor for each in planning.preview(draft).requests]
    searchable = [processor for processor in dict.fromkeys(asked) if can_search(processor)]
    if not searchable:
        raise Refused(Sentence("No processor of this case can be searched."))
    if not any(processor.pk in sending for processor in searchable):
        raise Refused(Sentence("No search is possible now. All searchable processors are paused."))
    return [
        ask(case, processor, draft.identities, purpose=Purpose.PREVIEW, actor=actor)
        for processor in searchable
        if processor.pk in sending
    ]


def preview_planned(case_id: int) -> None:
    """The same for a case that was planned a moment ago, so that whoever approves it sees what it matches."""
    case = Case.objects.select_related("data_key", "subject__data_key").get(pk=case_id)
    if case.status != CaseStatus.READY:
        return
    with suppress(Refused):
        preview(case, actor=SCHEDULE)


def unpreviewed() -> QuerySet[Case]:
    """Cases that were planned lately and of which nobody was asked: their knock was lost, or nobody can be asked."""
    now = timezone.now()
    asked = ProfileSearch.objects.filter(case=OuterRef("pk"), purpose=Purpose.PREVIEW)
    return Case.objects.filter(
        ~Exists(asked),
        status=CaseStatus.READY,
        status_changed_at__lt=now - PREVIEW_LOST,
        status_changed_at__gt=now - PREVIEW_MISSED,
    ).order_by("pk")


def _of_plan(case: Case) -> list[Processor]:
    return [request.processor for request in progress.current_requests(case).select_related("processor")]


def ask(
    case: Case,
    processor: Processor,
    identities: Iterable[Identity],
    *,
    purpose: Purpose,
    actor: Actor,
    request: ProcessorRequest | None = None,
) -> ProfileSearch:
    """Ask, and keep what was said; what could not be asked is kept as such."""
    match, error = Match(found=False), ""
    # What became of them meanwhile this answer need not know.
    asked_at = timezone.now()
    try:
        match = connector_for(processor).search(tuple(identities))
    except IntegrationError as failure:
        logger.info("A search at %s: %s (HTTP %s)", processor.pk, failure.code, failure.http_status)
        error = failure.code
        if isinstance(failure, Unauthorized):
            accounts.pause_for_credentials(processor, failure, actor=REPORT)
        if isinstance(failure, Unsupported) and purpose == Purpose.PREVIEW:
            # Nobody was asked: nothing to keep.
            return ProfileSearch(
                case=case,
                processor=processor,
                purpose=purpose,
                finding=Finding.UNKNOWN,
                error=error,
                asked_at=asked_at,
            )
    finding = Finding.UNKNOWN if error else Finding.FOUND if match.found else Finding.NOT_FOUND
    with transaction.atomic():
        search = ProfileSearch.objects.create(
            case=case,
            processor=processor,
            processor_request=request,
            purpose=purpose,
            finding=finding,
            profile_id=match.profile_id,
            matched=list(match.matched),
            error=error,
            asked_at=asked_at,
            asked_by=actor.user,
        )
        if error == Unsupported.code:
            return search  # nobody was asked
        audit.record(
            Action.PROFILE_SEARCHED,
            actor=actor,
            case=case,
            processor=processor,
            details={
                "processor": processor.name,
                "purpose": str(purpose),
                "finding": str(finding),
                **({"request": str(request.pk)} if request else {}),
            },
        )
    return search


def sentence(search: ProfileSearch) -> Sentence:
    """What a search amounts to, in one sentence and no stronger than it is."""
    day = date_format(timezone.localtime(search.asked_at), "DATE_FORMAT")
    name = search.processor.name
    if search.finding == Finding.UNKNOWN:
        if search.error == Unsupported.code:
            return Sentence("%(name)s cannot be searched by these identifiers.", name=name)
        return Sentence("%(name)s could not be searched on %(day)s.", name=name, day=day)
    after = search.purpose == Purpose.CONFIRMATION
    if search.finding == Finding.NOT_FOUND:
        return Sentence("No profile found at %(name)s on %(day)s.", name=name, day=day)
    if after and may_be_under_way(search.processor_request):
        return Sentence(
            "Found at %(name)s on %(day)s. It is not erased yet, or new data has arrived since.",
            name=name,
            day=day,
        )
    if after:
        return Sentence("Found again at %(name)s on %(day)s. New data has arrived since.", name=name, day=day)
    return Sentence(
        "%(name)s has data on this person, found by %(count)d of the identifiers (%(day)s).",
        name=name,
        count=len(search.matched),
        day=day,
    )


def may_be_under_way(request: ProcessorRequest | None) -> bool:
    """Whether nobody has said that the erasure is done: it was taken, and no later word comes."""
    return request is not None and request.answer == Answer.ACCEPTED


def latest(case: Case) -> list[ProfileSearch]:
    """The last search for each processor and purpose."""
    found: dict[tuple[object, str], ProfileSearch] = {}
    for search in ProfileSearch.objects.filter(case=case).select_related(
        "processor", "processor_request", "case__data_key"
    ):
        found[search.processor_id, search.purpose] = search
    return list(found.values())
