"""Applies a processor's report on a request, from an answer, a poll or a signed callback alike."""

from django.db.models import F
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import FINISHED, REPORTED_MOVES, Answer, CaseStatus, RequestStatus
from cases.models import Action, AttentionKind, ForwardingExtension, ProcessorRequest, Verdict
from cases.services import attention, audit, progress, transition
from cases.services.progress import WITH_RESULT
from cases.services.reports import disagreement
from dsrportal import queueing
from dsrportal.sentence import Sentence
from integrations.types import PartnerReport, PartnerStatus, Report, ReportedStatus, RequestType

# A partner that has answered is not pending again: an older callback may come late.
_PARTNER_FINAL = frozenset(
    {PartnerStatus.SKIPPED, PartnerStatus.SENT, PartnerStatus.FAILED, PartnerStatus.COMPLETED}
)
_PARTNER_OPEN = frozenset({PartnerStatus.PENDING, PartnerStatus.IN_PROGRESS})

# What a word that is understood and agrees settles: it is known again where the request stands.
SETTLED_BY_ANY_WORD = (
    AttentionKind.CONFLICT,
    AttentionKind.DISAGREEMENT,
    AttentionKind.GONE,
    AttentionKind.RETRIES_EXHAUSTED,
    AttentionKind.REFUSED,
    AttentionKind.UNKNOWN_STATUS,
)


def apply(request: ProcessorRequest, report: Report, *, actor: Actor) -> Verdict:
    """Apply a verified report to a request of a locked case, and settle the case.

    Never moves a request backwards; what is late or repeated is `NOTHING_NEW`.
    """
    if report.status == ReportedStatus.UNRECOGNISED:
        return _unknown_status(request, report, actor=actor)
    moves = str(report.status) in REPORTED_MOVES[request.status]
    if not moves and report.status != request.status:
        if actor.source == Source.CALLBACK and disagreement.is_doubted_by_callback(request, report):
            # Asking decides: a report is the truth of its moment, while a callback may be of any time.
            queueing.wake("cases.jobs.refresh", str(request.pk))
        return Verdict.NOTHING_NEW
    before = request.status
    changed = _record_word(request, report, moves=moves, actor=actor)
    # What may have opened or settled an attention item, and so moves the case whatever the request does.
    stirred = report.partners is not None and _apply_partners(request, report.partners, actor=actor)
    stirred |= _settle_items(request, report, actor=actor)
    if moves:
        stirred |= _answer_cancel(request, actor=actor)
        if (
            request.status == RequestStatus.COMPLETED
            and request.case.type in WITH_RESULT
            and not report.answer
        ):
            queueing.wake("cases.jobs.fetch_result", str(request.pk), queue="results")
        if request.status == RequestStatus.COMPLETED and request.case.type == RequestType.ERASURE:
            queueing.wake("cases.jobs.confirm", str(request.case_id))
    if stirred or (changed and not progress.stays_working(request.case, before, request.status)):
        progress.settle(request.case, actor=actor)
    return Verdict.APPLIED if changed or stirred else Verdict.NOTHING_NEW


def _settle_items(request: ProcessorRequest, report: Report, *, actor: Actor) -> bool:
    """Settle what this word has answered; says whether anything was open."""
    if request.case.status not in (CaseStatus.ATTENTION, CaseStatus.CLOSED):
        return False
    kinds: tuple[AttentionKind, ...] = SETTLED_BY_ANY_WORD
    expected = report.expected_completion_at
    if request.status in FINISHED or (expected is not None and expected > timezone.now()):
        kinds = (*kinds, AttentionKind.PAST_EXPECTED)
    return attention.resolve_all(*kinds, actor=actor, resolution="answered", request=request)


def _record_word(request: ProcessorRequest, report: Report, *, moves: bool, actor: Actor) -> bool:
    now = timezone.now()
    fields: transition.Fields = {
        "reported_at": now,
        "reported_status": report.raw_status[:64],
        "answered_attempts": F("attempts"),
        "last_error": "",
    }
    if report.expected_completion_raw:
        fields["expected_completion_at"] = report.expected_completion_at
        fields["expected_completion_raw"] = report.expected_completion_raw[:64]
    if report.results_url:
        fields["results_url"] = report.results_url
    if not moves:
        new = any(getattr(request, name) != fields.get(name, getattr(request, name)) for name in _CONTENT)
        ProcessorRequest.objects.filter(pk=request.pk).update(**fields)
        return new
    fields |= {"lease_until": None, "lease_token": None, "next_attempt_at": None}
    if request.sent_at is None:
        fields["sent_at"] = now
    if report.status == ReportedStatus.COMPLETED:
        fields["completed_at"] = now
        if report.answer:
            fields |= {"answer": Answer(report.answer), "remark": report.remark.english[:300]}
        elif request.case.type not in WITH_RESULT:
            fields["answer"] = Answer.DONE
    transition.move_request(request, str(report.status), actor=actor, reported=True, fields=fields)
    return True


# What makes a repeated word news all the same.
_CONTENT = ("expected_completion_raw", "results_url")


def _answer_cancel(request: ProcessorRequest, *, actor: Actor) -> bool:
    """A cancel asked for is answered once the processor has moved on: it did cancel, or it did not."""
    if request.cancel_requested_at is None or request.status == RequestStatus.PENDING:
        return False
    request.cancel_requested_at = None
    ProcessorRequest.objects.filter(pk=request.pk).update(cancel_requested_at=None)
    if request.status != RequestStatus.CANCELLED:
        refuse_cancel(request, actor=actor)
    return True


def refuse_cancel(request: ProcessorRequest, *, actor: Actor) -> None:
    """Record that the processor did not cancel, and ask a human what follows."""
    audit.of_request(Action.CANCEL_REFUSED, request, actor=actor)
    attention.open_item(
        AttentionKind.CANCEL_REFUSED,
        Sentence(
            "%(processor)s had already started, so the cancellation came too late. The request is "
            "carried out.",
            processor=request.processor.name,
        ),
        actor=actor,
        request=request,
    )


def _unknown_status(request: ProcessorRequest, report: Report, *, actor: Actor) -> Verdict:
    attention.open_item(
        AttentionKind.UNKNOWN_STATUS,
        Sentence(
            "%(processor)s reported a status that OpenDSR v3 does not define. Check the delivery or ask "
            "them.",
            processor=request.processor.name,
        ),
        actor=actor,
        request=request,
    )
    ProcessorRequest.objects.filter(pk=request.pk).update(
        reported_at=timezone.now(), reported_status=report.raw_status[:64]
    )
    progress.settle(request.case, actor=actor)
    return Verdict.UNKNOWN_STATUS


def _apply_partners(request: ProcessorRequest, partners: tuple[PartnerReport, ...], *, actor: Actor) -> bool:
    known = {
        (row.domain, row.name): row for row in ForwardingExtension.objects.filter(processor_request=request)
    }
    changed = False
    for partner in partners:
        key = partner_key(partner)
        row = known.get(key)
        if row is None:
            row = known[key] = ForwardingExtension(processor_request=request, domain=key[0], name=key[1])
        elif not is_partner_news((row.status, row.raw_status), partner):
            continue
        row.status, row.raw_status = partner.status, partner.raw_status[:64]
        row.message = partner.message
        row.changed_at = timezone.now()
        row.save()
        changed = True
        _tell(request, row, actor=actor)
    return changed


def partner_key(partner: PartnerReport) -> tuple[str, str]:
    """Domain and name, as they are kept."""
    return partner.domain[:253], partner.name[:200]


def is_partner_news(held: tuple[str, str] | None, partner: PartnerReport) -> bool:
    """Whether a partner's state differs from what is held of it: our word and theirs, None where nothing is."""
    if held is None:
        return True
    if held[0] in _PARTNER_FINAL and partner.status in _PARTNER_OPEN:
        return False
    return held != (partner.status, partner.raw_status[:64])


def _tell(request: ProcessorRequest, row: ForwardingExtension, *, actor: Actor) -> None:
    partner = row.name or row.domain
    audit.of_request(
        Action.FORWARDING_CHANGED,
        request,
        actor=actor,
        details={"partner": partner, "domain": row.domain, "to": str(row.status)},
    )
    # Where somebody acts by hand instead, saying it again helps nobody.
    if row.status == PartnerStatus.FAILED and not ProcessorRequest.objects.filter(for_partner=row).exists():
        attention.open_item(
            AttentionKind.PARTNER_FAILED,
            Sentence(
                "%(processor)s could not forward the request to %(partner)s. Contact that partner yourself.",
                processor=request.processor.name,
                partner=partner[:140],
            ),
            actor=actor,
            request=request,
        )
