"""The plan of a case for those who change and approve it: what is asked of whom, what is left out, what to know."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cases.admin.sections.person import masked
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, ManualTask, ProcessorRequest, SkippedProcessor, SubjectIdentity
from cases.services.person import disclosure
from cases.services.planning import planning
from cases.services.planning.change_plan import UNPLANNED
from cases.services.planning.planning import Plan, Skip
from dsrportal.crypto import Unreadable
from dsrportal.database.prepared import Given, Prepared
from dsrportal.sentence import Sentence
from integrations.models import Processor
from integrations.types import IdentityType

Identities = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Box:
    """One request that is planned, or would be."""

    processor: Processor
    identities: Identities
    skip_waiting_period: bool = False
    task: ManualTask | None = None


@dataclass(frozen=True, slots=True)
class CasePlan:
    """`stored`: what an approver approves; else what the plan will be once the person is verified."""

    stored: bool = False
    boxes: list[Box] = field(default_factory=list)
    left_out: list[SkippedProcessor] = field(default_factory=list)
    warnings: list[Sentence] = field(default_factory=list)
    problems: list[Sentence] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        """Whether it is still to be decided on."""
        return bool(self.stored or self.boxes or self.problems)


LEFT_OUT: Final = Prepared(
    lambda: (
        SkippedProcessor.objects.filter(case=Given("case"))
        .select_related("processor", "skipped_by")
        .order_by("processor__name")
    )
)


def of_case(
    case: Case,
    requests: Iterable[ProcessorRequest],
    *,
    known: Iterable[SubjectIdentity] | None = None,
    left_out: list[SkippedProcessor] | None = None,
) -> CasePlan:
    """As it stands now; of a case that was sent, only what was left out. `requests` come with their identities.

    `known` are those of the case, and `left_out` what it leaves out, where they are at hand.
    """
    left_out = LEFT_OUT.ask(case=case.pk) if left_out is None else left_out
    if case.status not in UNPLANNED and case.status != CaseStatus.READY:
        return CasePlan(left_out=left_out)
    try:
        draft = planning.draft_of(case, known=known)
    except Unreadable:
        return CasePlan(left_out=left_out, problems=[Sentence("The identifiers can no longer be read.")])
    plan = planning.preview(draft, left_out=_chosen(left_out))
    if case.status in UNPLANNED:
        return CasePlan(
            boxes=[_previewed(each, case) for each in plan.requests],
            left_out=[_unstored(case, skip) for skip in plan.skips],
            warnings=plan.warnings,
            problems=planning.problems(draft),
        )
    planned = [request for request in requests if request.status == RequestStatus.PLANNED]
    return CasePlan(
        stored=True,
        boxes=[_stored(request) for request in planned],
        left_out=left_out,
        warnings=plan.warnings,
    )


def possible(case: Case) -> Plan:
    """Everybody who could be asked, and who could not and why, whatever a person has left out."""
    try:
        return planning.preview(planning.draft_of(case))
    except Unreadable:
        return Plan()


def _chosen(rows: Iterable[SkippedProcessor]) -> dict[UUID, Skip]:
    return {
        row.processor_id: Skip(row.processor, row.sentence, row.skipped_by_id)
        for row in rows
        if row.skipped_by_id is not None
    }


def _unstored(case: Case, skip: Skip) -> SkippedProcessor:
    return SkippedProcessor(case=case, processor=skip.processor, sentence=skip.sentence)


def _previewed(planned: planning.PlannedRequest, case: Case) -> Box:
    shown = [
        (str(IdentityType(identity.type).label), disclosure.masked(identity.value))
        for identity in planned.identities
    ]
    return Box(planned.processor, shown, skip_waiting_period=case.skip_waiting_period)


def _stored(request: ProcessorRequest) -> Box:
    return Box(
        processor=request.processor,
        identities=[(identity.get_type_display(), masked(identity)) for identity in request.identities.all()],
        skip_waiting_period=request.skip_waiting_period,
        task=getattr(request, "task", None),
    )
