"""The demo's last twelve weeks: closed cases, each step dated as of the day it happened.

By the services that people call, so that trail, clocks and charts agree; everything was worked by hand then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from unittest.mock import patch

from django.db import transaction
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus
from cases.models import Case, ManualTask
from cases.services.closing import closing
from cases.services.dispatch import dispatch
from cases.services.intake import opening
from cases.services.intake.rules import Asked
from cases.services.person import verification
from cases.services.planning import approval, planning, tasks
from dsrportal.demo.cases import MATCHED, acting
from integrations.models import Processor
from integrations.types import Identity

BEGAN_DAYS_AGO: Final = 92
# (who, type, regulation, received so many days ago, closed so many days later, how it ended)
PAST: Final = (
    ("barbara.liskov", "access", "gdpr", 90, 19, "done"),
    ("john.backus", "erasure", "gdpr", 85, 12, "done"),
    ("radia.perlman", "access", "ccpa", 80, 9, "done"),
    ("tony.hoare", "erasure", "gdpr", 78, 16, "no_data_held"),
    ("jean.bartik", "portability", "gdpr", 76, 21, "done"),
    ("ken.thompson", "opt_out", "ccpa", 70, 3, "done"),
    ("frances.allen", "access", "gdpr", 69, 14, "done"),
    ("niklaus.wirth", "erasure", "gdpr", 66, 33, "done"),
    ("adele.goldberg", "erasure", "ccpa", 63, 11, "done"),
    ("vint.cerf", "access", "gdpr", 60, 8, "withdrawn"),
    ("lynn.conway", "erasure", "gdpr", 57, 13, "done"),
    ("alonzo.church", "access", "gdpr", 54, 17, "not_verified"),
    ("shafi.goldwasser", "access", "ccpa", 50, 10, "done"),
    ("claude.shannon", "erasure", "gdpr", 47, 9, "done"),
    ("hedy.lamarr", "opt_out", "ccpa", 44, 4, "done"),
    ("konrad.zuse", "portability", "gdpr", 42, 36, "done"),
    ("evelyn.granville", "access", "gdpr", 38, 12, "done"),
    ("kurt.goedel", "erasure", "gdpr", 35, 7, "done"),
    ("sophie.wilson", "access", "gdpr", 31, 15, "no_data_held"),
    ("john.mccarthy", "erasure", "ccpa", 28, 6, "done"),
    ("joan.clarke", "access", "gdpr", 25, 11, "done"),
    ("annie.easley", "opt_out", "ccpa", 20, 2, "done"),
    ("margaret.hamilton", "erasure", "gdpr", 18, 8, "done"),
    ("ivan.sutherland", "access", "ccpa", 14, 5, "done"),
)


def tell(set_up: Callable[[], Processor]) -> None:
    """`set_up` makes the one system that there was. All of it or nothing, and no worker sees a part of it."""
    now = timezone.now()
    with transaction.atomic():
        with as_of(now - timedelta(days=BEGAN_DAYS_AGO)):
            archive = set_up()
        for who, kind, regulation, days_ago, took, ended in PAST:
            # Not all at one time of day.
            received = now - timedelta(days=days_ago, minutes=37 * len(who))
            _tell_one(who, kind, regulation, ended, archive, received, timedelta(days=took))


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """What happens here happens at `moment`: services take the time from Django alone."""
    with patch.object(timezone, "now", lambda: moment):
        yield


def _tell_one(
    who: str,
    kind: str,
    regulation: str,
    ended: str,
    archive: Processor,
    received: datetime,
    took: timedelta,
) -> None:
    agent, approver = acting("agnes"), acting("pia")
    with as_of(received + took * 0.1):
        identities = (Identity("email", f"{who}@example.org"),)
        case = opening.open_case(Asked(kind, regulation, received, identities), actor=agent)
    with as_of(received + took):
        if ended == "withdrawn":
            closing.withdraw(case, actor=agent, text="Asked by phone to leave everything as it is.")
        elif ended == "not_verified":
            approval.deny(case, actor=approver, reason=ended, text="No answer to two questions.")
    case.refresh_from_db()
    if case.status == CaseStatus.CLOSED:
        return
    if case.status == CaseStatus.INTAKE:
        with as_of(received + took * 0.3):
            case = verification.record(case, actor=agent, method="matched_data", evidence=MATCHED)
        with as_of(received + took * 0.4):
            approval.approve(case, actor=approver, digest=planning.digest(case))
    with as_of(received + took * 0.5):
        dispatch.drain(archive.pk)
    _work_by_hand(case, Answer(ended), done_at=received + took * 0.9, closed_at=received + took)


def _work_by_hand(case: Case, answer: Answer, *, done_at: datetime, closed_at: datetime) -> None:
    agent = acting("agnes")
    task = ManualTask.objects.get(processor_request__case=case)
    with as_of(done_at):
        tasks.attest(task, actor=agent, answer=answer, text="Looked through the folders.")
    case.refresh_from_db()
    with as_of(closed_at):
        closing.close(case, actor=agent, outcome=closing.proposed_outcome(case))
