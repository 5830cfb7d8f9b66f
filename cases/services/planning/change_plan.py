"""Changing what is planned, or about whom. Whatever was approved before is approved no longer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext_noop

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import Action, AttentionKind, Case, ProcessorRequest, SkippedProcessor
from cases.services import attention, notes, progress, transition, versions
from cases.services.planning import erasure_hold, planning, suggestions
from cases.services.planning.approval import drop_plan
from cases.services.planning.planning import LEFT_OUT_REASONS
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence, Word
from integrations.models import Processor
from integrations.types import RequestType

UNPLANNED = frozenset({CaseStatus.INTAKE, CaseStatus.VERIFYING})
SENT_ALREADY = Sentence(
    "Part of this plan has already been sent, so it can no longer be changed. Open another case for "
    "what is missing."
)


def may_change(case: Case) -> Sentence | None:
    """Why the plan and the identities of a case cannot be changed, in a sentence; "" where they can."""
    if case.status in UNPLANNED or case.status == CaseStatus.READY:
        return None
    if case.status not in {CaseStatus.WORKING, CaseStatus.ATTENTION}:
        return Sentence("All responses of this case have arrived. Reopen it, or open another case.")
    if case.type in UNVERIFIED_TYPES or _touched(case):
        return SENT_ALREADY
    return None


def _touched(case: Case) -> bool:
    """Whether anything of an approved plan was attempted, or may be at this moment."""
    untouched = ProcessorRequest.objects.filter(
        case=case, status=RequestStatus.QUEUED, attempts=0, lease_until=None, for_partner=None
    )
    standing = progress.current_requests(case)
    return standing.count() != untouched.count() or not untouched.exists()


@contextmanager
def changing(case: Case, *, actor: Actor, what: str) -> Iterator[Case]:
    """The locked case with its plan dropped and its approval void, planned anew when the block ends.

    Raises Refused where something of it was sent, and where nothing can be planned afterwards; then nothing changed.
    """
    with untouched(case) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.PLAN)
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
            erasure_hold.refresh(locked, actor=actor)
            suggestions.refresh(locked)


@contextmanager
def untouched(case: Case) -> Iterator[Case]:
    """The locked case with its queued requests locked too, so that no lane may claim one of them meanwhile."""
    with progress.locked(case.pk) as locked:
        queued = ProcessorRequest.objects.filter(case=locked, status=RequestStatus.QUEUED)
        list(queued.select_for_update().order_by("pk"))
        yield locked


def take_back(case: Case, *, actor: Actor, digest: str) -> Case:
    """Take back the approval of this digest, and bring the case back to an approver with the same plan, made anew.

    Raises Refused where a part of it was attempted already, or where it is not what is approved now.
    """
    with untouched(case) as locked:
        if locked.approval_digest != digest:
            raise Refused(Sentence("This approval is no longer valid, so there is nothing to undo."))
        sentence = may_change(locked)
        if sentence:
            raise Refused(sentence)
        _void(locked, actor=actor, action=Action.APPROVAL_UNDONE)
        planning.plan(locked, actor=actor)
        erasure_hold.refresh(locked, actor=actor)
        return locked


def _void(case: Case, *, actor: Actor, what: str = "", action: Action = Action.APPROVAL_VOIDED) -> None:
    """Take back an approval of which nothing was sent."""
    queued = ProcessorRequest.objects.filter(case=case, status=RequestStatus.QUEUED)
    for request in queued.select_related("case", "processor").order_by("pk"):
        transition.move_request(
            request,
            RequestStatus.CANCELLED,
            actor=actor,
            fields={"queued_at": None, "held": False, "not_before_at": None},
        )
    attention.resolve_all(AttentionKind.HELD, actor=actor, resolution="changed", case=case)
    transition.move_case(
        case,
        CaseStatus.READY,
        actor=actor,
        action=action,
        details={"what": what} if what else {},
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
        raise Refused(Sentence("Choose one of the listed reasons for each skipped processor."))
    if skip_waiting_period and case.type != RequestType.ERASURE:
        raise Refused(Sentence("Only an erasure has a waiting period that can be skipped."))
    if case.status in UNPLANNED:
        raise Refused(Sentence("The case is planned when the requester has been verified."))
    with changing(case, actor=actor, what=gettext_noop("the plan")) as locked:
        notes.write(locked, text, actor=actor)
        progress.write(locked, skip_waiting_period=skip_waiting_period)
        locked.skipped_processors.all().delete()
        SkippedProcessor.objects.bulk_create(
            SkippedProcessor(
                case=locked,
                processor=processor,
                reason=left_out[processor.pk],
                sentence=Sentence(
                    "%(processor)s: %(reason)s.",
                    processor=processor.name,
                    reason=Word(LEFT_OUT_REASONS[left_out[processor.pk]]),
                ),
                skipped_by=actor.user,
            )
            for processor in Processor.objects.filter(pk__in=left_out).order_by("name")
        )
    return locked
