"""People ask: cases opened, verified and approved by the services, as the desk does it."""

from uuid import uuid4

from cases.lifecycle import CaseStatus
from cases.models import Case
from cases.services.planning import approval, planning
from integrations.models import Processor
from tests import builders
from tests.faults.settling import patiently
from tests.sandbox import Sandbox

# Every fifth person wants to see what is held; the others want to be forgotten.
EVERY_ACCESS = 5


def processor(sandbox: Sandbox) -> Processor:
    return builders.processor(sandbox)


def ready_cases(count: int) -> list[Case]:
    """So many verified cases of as many people, each waiting for an approver."""
    return [
        builders.ready_case(
            type="erasure" if number % EVERY_ACCESS else "access",
            identities=[
                ("email", f"{uuid4().hex}@example.org"),
                ("controller_customer_id", f"c-{number}"),
            ],
        )
        for number in range(count)
    ]


def approve(case: Case) -> None:
    """By a second person, who tries again where the database went away, unless it was approved all the same."""

    def once() -> None:
        if Case.objects.filter(pk=case.pk, status=CaseStatus.READY).exists():
            approval.approve(case, actor=builders.actor("pia"), digest=planning.digest(case))

    patiently(once)
