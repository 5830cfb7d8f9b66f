"""Requests that are with their processor, and what asking for them comes to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import time_machine
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services.dispatch import dispatch
from integrations.models import Processor
from tests.builders import approved_case
from tests.sandbox import Sandbox

# By then the sandbox has finished everything.
TWO_WEEKS = 15 * 24 * 3600
AMPLE = "1000000 calls in 60 s\n1000000 new requests in 24 h"


def calls(sandbox: Sandbox) -> int:
    return sum(sandbox.state()["calls"].values())


def sent(target: Processor, count: int) -> Case:
    """A case with so many requests, all with their processor."""
    Processor.objects.filter(pk=target.pk).update(limits=AMPLE)
    case = approved_case(identities=[("email", f"{uuid4().hex}@example.org") for _ in range(count)])
    while ProcessorRequest.objects.filter(case=case, status=RequestStatus.QUEUED).exists():
        dispatch.drain(target.pk)
    return case


@contextmanager
def later(**by: float) -> Iterator[None]:
    with time_machine.travel(timezone.now() + timedelta(**by)):
        yield


def heard(case: Case) -> set[bool]:
    """Whether word came of the requests of a case in the last minute."""
    since = timezone.now() - timedelta(minutes=1)
    found = ProcessorRequest.objects.filter(case=case).values_list("reported_at", flat=True)
    return {at is not None and at > since for at in found}
