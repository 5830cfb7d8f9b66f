"""How often the two busiest paths ask the database: pinned, so that it cannot grow unnoticed.

BEGIN and COMMIT count as well: each is a round trip like any other.
"""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import CallbackDelivery, ProcessorRequest, Verdict
from cases.services.dispatch import dispatch
from dsrportal.models import DataKey
from integrations.models import Processor, SigningCertificate
from integrations.opendsr.certificates import verify_bundle
from integrations.registry import connector_for
from tests.authority import Authority
from tests.builders import approved_case, processor
from tests.cases.vendor import DOMAIN, signature
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

CALLBACK = ["BEGIN", "SELECT", "UPDATE", "INSERT", "INSERT", "COMMIT"]
# In order: request and case under lock, the request, its event, requests with open items, the case, its event,
# the delivery.
LAST_CALLBACK = ["BEGIN", "SELECT", "UPDATE", "INSERT", "SELECT", "UPDATE", "INSERT", "INSERT", "COMMIT"]
DRAINED_REQUEST = ["BEGIN", "SELECT", "UPDATE", "INSERT", "COMMIT"]


def verbs(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"].split()[0] for query in captured.captured_queries]


class Caller:
    """A processor that calls back, whose certificate was seen before."""

    def __init__(self) -> None:
        authority = Authority("Counted")
        self.leaf = authority.leaf(DOMAIN)
        self.processor = processor(extra_signing_roots=authority.root_pem)
        key = verify_bundle(
            authority.bundle(self.leaf),
            domain=DOMAIN,
            extra_signing_roots=authority.root_pem,
            at=timezone.now(),
        )
        SigningCertificate.objects.create(
            sha256=key.sha256,
            domain=key.domain,
            pem=key.pem.decode(),
            not_before=key.not_before,
            not_after=key.not_after,
        )
        DataKey.shared(DataKey.Purpose.EVIDENCE)

    def signed(self, request_id: object, status: str) -> tuple[dict[str, str], bytes]:
        body = json.dumps(
            {
                "controller_id": self.processor.account,
                "expected_completion_time": "2026-12-09T00:00:00Z",
                "status_callback_url": f"https://dsr.example{self.processor.callback_path}",
                "subject_request_id": str(request_id),
                "request_status": status,
                "results_url": None,
                "extensions": None,
            }
        ).encode()
        headers = {"x-opendsr-processor-domain": DOMAIN, "x-opendsr-signature": signature(body, self.leaf)}
        return headers, body

    def call(self, request_id: object, status: str) -> list[str]:
        headers, body = self.signed(request_id, status)
        with CaptureQueriesContext(connection) as captured:
            answer = Client().post(
                self.processor.callback_path, body, content_type="application/json", headers=headers
            )
        assert answer.status_code == 202
        asked = verbs(captured)
        # Before the transaction at most the processors, which a process looks up again every five seconds.
        before = asked.index("BEGIN")
        assert asked[:before] in ([], ["SELECT"])
        return asked[before:]


@pytest.fixture
def caller() -> Caller:
    made = Caller()
    # The first call of a process looks for the certificate as well; the others remember it.
    connector_for(made.processor).verify_callback(*made.signed(uuid4(), "pending"))
    return made


def pending(caller: Caller) -> ProcessorRequest:
    request = ProcessorRequest.objects.get(case=approved_case(), processor=caller.processor)
    ProcessorRequest.objects.filter(pk=request.pk).update(
        status=RequestStatus.PENDING, sent_at=timezone.now() - timedelta(hours=1)
    )
    return request


def test_a_callback_that_moves_a_request_on(caller: Caller) -> None:
    request = pending(caller)
    assert caller.call(request.pk, "in_progress") == CALLBACK
    assert CallbackDelivery.objects.get(processor_request=request).verdict == Verdict.APPLIED


def test_the_callback_that_ends_a_case(caller: Caller) -> None:
    request = pending(caller)
    assert caller.call(request.pk, "completed") == LAST_CALLBACK


def test_a_drained_request(sandbox: Sandbox, target: Processor) -> None:
    """What is claimed and looked up together is paid once a batch: ten requests more are ten times five."""

    def drained(count: int) -> list[str]:
        for number in range(count):
            approved_case(identities=[("email", f"{number}.{uuid4().hex}@example.org")])
        with CaptureQueriesContext(connection) as captured:
            dispatch.drain(target.pk)
        return verbs(captured)

    drained(1)  # proves the account, opens connections
    one, three = drained(1), drained(3)
    # The slot and the size of its group, the lease; then the request and its event.
    assert [verb for verb in one if verb in ("UPDATE", "INSERT")] == [*["UPDATE"] * 4, "INSERT"]
    assert len(three) - len(one) == 2 * len(DRAINED_REQUEST)
    assert three[-len(DRAINED_REQUEST) - 4 : -4] == DRAINED_REQUEST
    assert len(one) - len(DRAINED_REQUEST) == 15
    assert not ProcessorRequest.objects.exclude(status=RequestStatus.PENDING).exists()
