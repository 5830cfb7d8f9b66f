"""The mParticle connector against the sandbox, over real HTTPS."""

from datetime import UTC, datetime
from uuid import uuid4

from integrations.mparticle.connector import MParticle
from integrations.types import Identity, OutgoingRequest, ReportedStatus
from tests.sandbox import Sandbox


def test_smoke(mparticle: MParticle, sandbox: Sandbox) -> None:
    request = OutgoingRequest(
        request_id=uuid4(),
        request_type="erasure",
        regulation="gdpr",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=(Identity("email", "ada@example.com"),),
        skip_waiting_period=True,
        group_id="g",
        callback_url="",
    )
    print(sandbox.url)
    print(mparticle.submit(request))
    print(mparticle.report(request.request_id))
    print(mparticle.report_group("g"))
    print(mparticle.test_connection())
    mparticle.cancel(request.request_id)
    assert mparticle.report(request.request_id).status == ReportedStatus.CANCELLED
