"""A request of ours in the words of a connector: as it leaves, and as a question about it."""

from collections.abc import Callable
from functools import partial

from django.conf import settings

from cases.models import Correction, ProcessorRequest
from dsrportal.crypto import Unreadable
from dsrportal.sentence import Sentence
from integrations import types
from integrations.errors import Rejected
from integrations.types import Identity, Inquiry, RequestType, Submission

_UNREADABLE = Sentence("The identifiers cannot be read: their key is missing or not the right one.")


def inquiry(request: ProcessorRequest) -> Inquiry:
    """A question about a request, with its case. What it asks for is opened only if its kind needs it."""
    opened: Callable[[], tuple[Identity, ...]] = partial(identities, request)
    return Inquiry(request.pk, request.case.type, request.sent_at, opened)


def submission(request: ProcessorRequest) -> Submission:
    """The request as it leaves. Raises Rejected where its identities can no longer be opened."""
    case = request.case
    return Submission(
        request_id=request.pk,
        request_type=case.type,
        regulation=case.regulation,
        submitted_at=case.received_at,
        identities=identities(request),
        skip_waiting_period=request.skip_waiting_period,
        group_id=request.group.name if request.group else "",
        callback_url=settings.PORTAL_BASE_URL + request.processor.callback_path,
        purposes=tuple(case.purposes),
        corrections=corrections(request) if case.type == RequestType.CORRECTION else (),
        repeated=request.earlier_attempt_unknown,
    )


def identities(request: ProcessorRequest) -> tuple[Identity, ...]:
    """In clear: opened on their way out, and kept nowhere. Raises Rejected where they cannot be."""
    found = []
    try:
        for identity in request.identities.all():
            identity.subject = request.case.subject
            found.append(Identity(identity.type, identity.value))
    except Unreadable:
        raise Rejected(_UNREADABLE) from None
    return tuple(found)


def corrections(request: ProcessorRequest) -> tuple[types.Correction, ...]:
    """What of a request's identities shall change, in clear. Raises Rejected where it cannot be opened."""
    rows = Correction.objects.filter(identity__requests=request).select_related("identity__subject__data_key")
    try:
        return tuple(
            types.Correction(row.identity.type, row.identity.value, row.new_value)
            for row in rows.order_by("identity__position")
        )
    except Unreadable:
        raise Rejected(_UNREADABLE) from None
