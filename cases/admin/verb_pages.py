"""What a confirmation page shows besides its form: what exactly is about to happen."""

from typing import Any

from cases.actor import Actor
from cases.lifecycle import RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services import approval, cancellation, disclosure, planning


def plain(case: Case, actor: Actor) -> dict[str, Any]:
    return {}


def approve(case: Case, actor: Actor) -> dict[str, Any]:
    """The plan, the digest over it, and why this person may not approve it, if so.

    The digest is taken before the plan is read: if something changes between the two, approving is refused
    rather than something approved that was not shown.
    """
    digest = planning.digest(case)
    requests = _requests(case, status=RequestStatus.PLANNED).prefetch_related("identities__subject__data_key")
    plan = [
        {
            "request": request,
            "identities": [
                (identity.get_type_display(), disclosure.masked(identity.value))
                for identity in request.identities.all()
            ],
        }
        for request in requests
    ]
    return {"plan": plan, "digest": digest, "why_not": approval.why_not(case, actor=actor)}


def close(case: Case, actor: Actor) -> dict[str, Any]:
    return {"requests": _requests(case, replaced_by__isnull=True)}


def retry(case: Case, actor: Actor) -> dict[str, Any]:
    return {"requests": _requests(case, status=RequestStatus.FAILED, replaced_by__isnull=True)}


def cancel(case: Case, actor: Actor) -> dict[str, Any]:
    return {"requests": cancellation.cancellable(case), "warning": cancellation.PARTNERS_WARNING}


def _requests(case: Case, **conditions: Any) -> Any:
    return ProcessorRequest.objects.filter(case=case, **conditions).select_related("processor")
