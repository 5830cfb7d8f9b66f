from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from integrations import budget
from integrations.leanplum.connector import Leanplum
from integrations.models import Processor
from integrations.types import Identity, Inquiry, Report, Submission
from tests.builders import about
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox, running_sandbox

CUSTOMER = Identity("controller_customer_id", "c-881")
EMAIL = Identity("email", "jane@example.org")
OPTIONS = {
    "user_id_type": "controller_customer_id",
    "opt_out_attribute": "opted_out",
    "attributes": "email = email",
}


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """Only people put there exist."""
    sandbox_process.reset()
    sandbox_process.switches(strangers="unknown")
    return sandbox_process


@pytest.fixture
def jane(sandbox: Sandbox) -> str:
    """A user of the app, as mParticle forwards one."""
    return sandbox.person(
        {CUSTOMER.type: CUSTOMER.value, EMAIL.type: EMAIL.value},
        app=0,
        attributes={"is_tipping": True},
        events=[{"event_type": "custom_event", "month": "2025-11", "data": {"event_name": "purchase"}}] * 2,
    )


@pytest.fixture
def processor(db: None, sandbox: Sandbox) -> Processor:
    app = sandbox.leanplum[0]
    made = Processor.objects.create(
        kind="leanplum",
        name="Shop app",
        account=app["app_id"],
        credentials={name: app[name] for name in ("development_key", "production_key", "export_key")},
        options=dict(OPTIONS),
        base_url=f"{sandbox.url}/leanplum/api",
        extra_tls_roots=sandbox.root_pem,
        limits="100000 calls in 60 s",
    )
    budget.rebuild(made, [])  # it never sent anything
    return made


@pytest.fixture
def leanplum(processor: Processor) -> Leanplum:
    return Leanplum(processor)


def choose(leanplum: Leanplum, **options: str) -> None:
    row_of(leanplum).options = {**row_of(leanplum).options, **options}


def request(request_type: str, *identities: Identity, **more: Any) -> Submission:
    return Submission(
        request_id=uuid4(),
        request_type=request_type,
        regulation="gdpr",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=identities or (CUSTOMER,),
        **more,
    )


def asking(sent: Submission) -> Inquiry:
    return about(sent.request_id, sent.request_type, *sent.identities)


def word(report: Report) -> tuple[str, str]:
    return str(report.status), str(report.answer)
