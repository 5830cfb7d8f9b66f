"""Steps to a result package: a case whose request is completed, its result fetched, and packages of any content."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cases.models import Case, ProcessorRequest
from cases.services.dispatch import dispatch
from cases.services.reports import reconciling
from cases.services.results import fetching as result_fetching
from integrations.models import Processor
from tests.builders import approved_case
from tests.integrations.odd_server import OddServer, answer, odd_server
from tests.sandbox import Sandbox

THREE_DAYS = 3 * 24 * 3600
GRACE = "grace.hopper@example.org"


def own_storage(settings: Any, location: Path | None) -> None:
    """Tests that run side by side would see each other's files. Without a location it is in memory."""
    disk = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": location, "file_permissions_mode": 0o600},
    }
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "packages": disk if location else memory}


def completed(target: Processor, sandbox: Sandbox, *, type: str = "access", email: str = GRACE) -> Case:
    """A case whose request the processor has completed, as a report says."""
    case = approved_case(type=type, identities=[("email", email)])
    dispatch.drain(target.pk)
    sandbox.advance(THREE_DAYS)
    reconciling.refresh(case.requests.get().pk)
    case.refresh_from_db()
    return case


def fetch(case: Case) -> ProcessorRequest:
    request = ProcessorRequest.objects.get(case=case)
    result_fetching.fetch(request.pk)
    request.refresh_from_db()
    case.refresh_from_db()
    return request


@contextmanager
def giving(
    target: Processor, case: Case, content: bytes, content_type: str = "application/zip"
) -> Iterator[OddServer]:
    """The result of this case is these bytes, from a server that says nothing else."""
    with odd_server() as odd:
        odd.replies.append(answer(200, content, {"Content-Type": content_type}))
        Processor.objects.filter(pk=target.pk).update(
            base_url=f"{odd.url}/v3", extra_tls_roots=odd.authority.root_pem
        )
        ProcessorRequest.objects.filter(case=case).update(results_url=f"{odd.url}/v3/requests/1/results")
        yield odd


def fetched(
    target: Processor, sandbox: Sandbox, content: bytes, content_type: str = "application/zip"
) -> ProcessorRequest:
    """A request whose result is this content."""
    case = completed(target, sandbox)
    with giving(target, case, content, content_type):
        return fetch(case)
