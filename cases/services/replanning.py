"""Changing what is planned, or about whom. Whatever was approved before is approved no longer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import Action, AttentionKind, Case, ProcessorRequest, SkippedProcessor
from cases.services import attention, freshness, holding, notes, planning, progress, transition
from cases.services.approval import drop_plan
from cases.services.planning import LEFT_OUT_REASONS
from cases.services.refusal import Refused
from integrations.models import Processor
from integrations.types import RequestType

UNPLANNED = frozenset({CaseStatus.INTAKE, CaseStatus.VERIFYING})
SENT_ALREADY = (
    "Part of this plan has been sent already, so it cannot be changed: open another case for what is missing."
)


def may_change(case: Case) -> str:
    """Why the plan and the identities of a case cannot be changed, in a sentence; "" where they can."""
    if case.status in UNPLANNED or case.status == CaseStatus.READY:
        return ""
    if case.status not in {CaseStatus.WORKING, CaseStatus.ATTENTION}:
        return "The case is answered: reopen it, or open another."
    if case.type in UNVERIFIED_TYPES or _touched(case):
        return SENT_ALREADY
    return ""


def _touched(case: Case) -> bool:
    """Whether anything of an approved plan was attempted, or may be at this moment."""
    untouched = ProcessorRequest.objects.filter(
        case=case, status=RequestStatus.QUEUED, attempts=0, lease_until=None, for_partner=None
    )
    standing = progress.standing(case)
    return standing.count() != untouched.count() or not untouched.exists()


@contextmanager
def changing(case: Case, *, actor: Actor, what: str) -> Iterator[Case]:
    """The locked case with its plan dropped and its approval void, planned anew when the block ends.

    Raises Refused where something of it was sent, and where nothing can be planned afterwards; then nothing changed.
    """
    with progress.locked(case.pk) as locked:
        freshness.refuse_stale(locked, actor=actor, touching=freshness.PLAN)
        # No lane may claim one of them meanwhile.
        queued = ProcessorRequest.objects.filter(case=locked, status=RequestStatus.QUEUED)
        list(queued.select_for_update().order_by("pk"))
        sentence = may_change(locked)
        if sentence:
            raise Refused(sentence)
        if locked.status in {CaseStatus.WORKING, CaseStatus.ATTENTION}:
            _void(locked, actor=actor, what=what)
        drop_plan(locked, actor=actor)
        progress.write(locked, changed_by=actor.user)
        yield locked
        if locked.status in UNPLANNED:
            refused = planning.problems(planning.draft_of(locked))
            if refused:
                raise Refused(*refused)
        else:
            planning.plan(locked, actor=actor, action=Action.CASE_PLAN_CHANGED)
            # Other identities may be those of another person.
            holding.look(locked, actor=actor)


def _void(case: Case, *, actor: Actor, what: str) -> None:
    """Take back an approval of which nothing was sent."""
    queued = ProcessorRequest.objects.filter(case=case, status=RequestStatus.QUEUED)
    for request in queued.select_related("case", "processor").order_by("pk"):
        transition.move_request(
            request, RequestStatus.CANCELLED, actor=actor, fields={"queued_at": None, "held": False}
        )
    attention.resolve_all(AttentionKind.HELD, actor=actor, resolution="changed", case=case)
    transition.move_case(
        case,
        CaseStatus.READY,
        actor=actor,
        action=Action.APPROVAL_VOIDED,
        details={"what": what},
        fields={"approved_at": None, "approved_by": None, "approval_digest": ""},
    )


def change(
    case: Case, *, actor: Actor, left_out: Mapping[UUID, str], skip_waiting_period: bool, text: str = ""
) -> Case:
    """Plan a verified case anew: `left_out` says why (of LEFT_OUT_REASONS) which processors are not asked.

    Raises Refused, among others where nobody would be asked.
    """
    unknown = [reason for reason in left_out.values() if reason not in LEFT_OUT_REASONS]
    if unknown:
        raise Refused("Give one of the listed reasons for each processor that is left out.")
    if skip_waiting_period and case.type != RequestType.ERASURE:
        raise Refused("Only an erasure has a waiting period to skip.")
    if case.status in UNPLANNED:
        raise Refused("The case is planned once the person is verified.")
    with changing(case, actor=actor, what="the plan") as locked:
        notes.write(locked, text, actor=actor)
        progress.write(locked, skip_waiting_period=skip_waiting_period)
        locked.skipped_processors.all().delete()
        SkippedProcessor.objects.bulk_create(
            SkippedProcessor(
                case=locked,
                processor=processor,
                reason=left_out[processor.pk],
                sentence=f"{processor.name}: {LEFT_OUT_REASONS[left_out[processor.pk]].lower()}.",
                skipped_by=actor.user,
            )
            for processor in Processor.objects.filter(pk__in=left_out).order_by("name")
        )
    return locked
