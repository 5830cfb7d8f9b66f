"""Context of a confirmation page besides its form: what exactly is about to happen."""

from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.actor import Actor
from cases.admin import durations
from cases.admin.sections import person, purposes
from cases.admin.sections import plan as plan_section
from cases.lifecycle import RequestStatus
from cases.models import Case, ManualTask, ProcessorRequest, Purpose, SubjectIdentity
from cases.services.closing import closing
from cases.services.dispatch import cancellation, send_times
from cases.services.planning import approval, change_plan, erasure_hold, planning, resending, tasks
from cases.services.processors import pausing
from cases.services.status import forecast
from integrations.errors import NotSent
from integrations.models import Processor


def approve(case: Case, actor: Actor) -> dict[str, Any]:
    """The plan, the digest over it, and why this person may not approve it, if so.

    The digest is taken before the plan is read: if something changes between the two, approving is refused
    rather than something approved that was not shown.
    """
    digest = planning.digest(case)
    requests = list(
        _requests(case, status=RequestStatus.PLANNED)
        .select_related("task__assignee")
        .prefetch_related(Prefetch("identities", SubjectIdentity.objects.select_related("subject__data_key")))
    )
    by_processor: dict[Processor, list[ProcessorRequest]] = {}
    for request in requests:
        by_processor.setdefault(request.processor, []).append(request)
    ahead = forecast.predict(case, now=timezone.now())
    known = person.rows_of(case)
    identities = person.lines(case, known)
    all_paused = pausing.is_paused()
    return {
        "plan": plan_section.of_case(case, requests, known=known),
        "identities": identities,
        "corrections": [line for line in identities if line.new_value],
        "purposes": purposes.describe(case),
        "searches": person.searches(case),
        "digest": digest,
        "why_not": approval.why_not(case, actor=actor),
        # What is held leaves when its other case is closed: nobody knows when.
        "sending": []
        if case.blocked_by_id
        else [
            _sending(processor, planned, all_paused=all_paused) for processor, planned in by_processor.items()
        ],
        "risk": ahead.sentence if ahead and ahead.at_risk else "",
    }


def _sending(processor: Processor, planned: list[ProcessorRequest], *, all_paused: bool) -> str:
    """When what is planned for one processor will have left, behind what is due no later."""
    name, paused = processor.name, all_paused or processor.paused_at
    if tasks.by_hand(processor) and not paused:
        return _("A task for %(name)s is created within a minute.") % {"name": name}
    ahead = send_times.queued(processor, due_by=planned[0].due_at)
    if all_paused:
        words = _("Nothing is sent while all sending is paused.")
    elif processor.paused_at:
        words = _("Nothing is sent to %(name)s while it is paused.") % {"name": name}
    else:
        try:
            seconds = send_times.seconds_for(processor, ahead + len(planned))
            soon = _("within a minute") if seconds <= 60 else _("in about %s") % durations.spell(seconds)
            words = _("Will be sent to %(name)s %(soon)s.") % {"name": name, "soon": soon}
        except NotSent:
            words = _("Nothing is sent to %(name)s while the queue store is not responding.") % {"name": name}
    if not ahead:
        return words
    return f"{words} " + ngettext(
        "%(ahead)d request is ahead in the queue.", "%(ahead)d requests are ahead in the queue.", ahead
    ) % {"ahead": ahead}


def close(case: Case, actor: Actor) -> dict[str, Any]:
    dropped = Q(status=RequestStatus.CANCELLED, queued_at__isnull=True)
    return {
        "requests": _requests(case, replaced_by__isnull=True).exclude(dropped),
        "exceptions": closing.exceptions(case),
        "confirmations": [
            line for line in person.searches(case) if line.search.purpose == Purpose.CONFIRMATION
        ],
    }


def retry(case: Case, actor: Actor) -> dict[str, Any]:
    return {"requests": _requests(case, status=RequestStatus.FAILED, replaced_by__isnull=True)}


def cancel(case: Case, actor: Actor) -> dict[str, Any]:
    return {"requests": cancellation.cancellable(case), "warning": cancellation.PARTNERS_WARNING}


def change(case: Case, actor: Actor) -> dict[str, Any]:
    """Why it cannot be changed, if so; and that an approval is lost by it."""
    return {"why_not": change_plan.may_change(case), "voids": case.approved_at is not None}


def searches(case: Case, actor: Actor) -> dict[str, Any]:
    return {"searches": person.searches(case)}


def release(case: Case, actor: Actor) -> dict[str, Any]:
    return {"latest_safe_at": erasure_hold.latest_safe_at(case) if case.blocked_by_id else None}


def again(request: ProcessorRequest, actor: Actor) -> dict[str, Any]:
    return {"requests": [request], "warning": resending.why_not(request)}


def task(task: ManualTask, actor: Actor) -> dict[str, Any]:
    identities = task.processor_request.identities.select_related("subject__data_key")
    return {"identities": [(row.get_type_display(), person.masked(row)) for row in identities]}


def _requests(case: Case, **conditions: Any) -> Any:
    return ProcessorRequest.objects.filter(case=case, **conditions).select_related("processor")
