"""A file of 100,000 cases, from the start of its import to its end, with encryption, index, clocks and audit events.

In a process of its own, so that its memory is its own: compared with that of a file a tenth as long.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from cases.actor import Actor, Source
from cases.models import AuditEvent, Case, CaseImport, Clock, ImportState
from cases.services import audit
from cases.services.imports import files as import_files
from dsrportal.models import User
from integrations.models import Processor
from tests import builders
from tests.bench.children import finished
from tests.bench.figure import Figure
from tests.bench.run import Run

ROWS, FEW = 100_000, 1000
# The file that the memory is compared with is so much shorter.
FEWER = 10
GOAL = 500
GROWTH_GOAL = 1.1
_PHASE_SECONDS = 1800


@dataclass(frozen=True)
class Phase:
    """Checking or importing one file, and what the process that did it used."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_kib: int

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def measure(run: Run) -> list[Figure]:
    """One import of each size, however many rounds are asked for."""
    if not Processor.objects.exists():
        builders.processor(name="Imports")
    agent, _made = User.objects.get_or_create(username="imogen", is_staff=True, is_superuser=True)
    actor = Actor(Source.ADMIN, user=agent, address="192.0.2.7")
    rows = FEW if run.small else ROWS
    _checked, small = _import(rows // FEWER, actor, "small")
    checked, large = _import(rows, actor, "large")
    growth = large.peak_kib / small.peak_kib
    return [
        Figure(f"{rows} rows imported", f"{large.rate:.0f} a second", f"{GOAL} a second", large.rate >= GOAL),
        Figure("  CPU of the worker a row", f"{large.cpu_seconds / rows * 1000:.2f} ms"),
        Figure("  checked before (dry run)", f"{checked.rate:.0f} a second"),
        Figure(
            "  memory at its peak",
            f"{large.peak_kib // 1024} MiB, {growth:.2f} of a tenth",
            f"at most {GROWTH_GOAL}",
            growth <= GROWTH_GOAL,
        ),
    ]


def _import(rows: int, actor: Actor, name: str) -> tuple[Phase, Phase]:
    """The file checked and imported; its cases are looked at, since quick and wrong would not count."""
    file = SimpleUploadedFile(f"{name}.csv", b"".join(_file(rows, name)))
    made = import_files.upload(file, source=name, actor=actor)
    checked = _phase(made, rows)
    import_files.start(CaseImport.objects.get(pk=made.pk), actor=actor)
    before = AuditEvent.objects.count(), Clock.objects.count()
    imported = _phase(made, rows)
    made.refresh_from_db()
    found = made.state, made.good, made.rows.count(), AuditEvent.objects.count() - before[0]
    clocks = Clock.objects.count() - before[1]
    # Of each case two, and that the import is finished.
    if (*found, clocks) != (ImportState.FINISHED, rows, rows, 2 * rows + 1, rows):
        raise RuntimeError(f"Of {rows} rows: {found}, {clocks} clocks.")
    case = Case.objects.filter(imported_row__case_import=made).latest("pk")
    values = [identity.value for identity in case.subject.identities.all()]
    if audit.verify(f"case:{case.pk}") or not values[0].endswith(f"@{name}.example.org"):
        raise RuntimeError("What was imported is not whole.")
    return checked, imported


def _phase(made: CaseImport, rows: int) -> Phase:
    command = [sys.executable, "-m", "tests.bench.importer", str(made.pk)]
    return Phase(rows=rows, **json.loads(finished(command, seconds=_PHASE_SECONDS).splitlines()[-1]))


def _file(rows: int, name: str) -> Iterator[bytes]:
    """Erasure, access and portability under both laws; two identities each, and a reference."""
    yield b"reference,type,regulation,received_at,email,controller_customer_id\n"
    now = timezone.now()
    for number in range(rows):
        kind = ("erasure", "access", "portability")[number % 3]
        law = ("gdpr", "ccpa")[number % 2]
        at = now - timedelta(minutes=number % 20_000 + 1)
        person = f"person.{number}@{name}.example.org,C-{name}-{number}"
        yield f"{name}-{number},{kind},{law},{at.isoformat(timespec='seconds')},{person}\n".encode()
