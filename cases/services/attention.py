"""Attention items: what a human must decide, opened once and settled with a reason."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.actor import Actor
from cases.models import Action, AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services import audit, progress
from cases.services.refusal import Superseded
from dsrportal.sentence import Sentence
from integrations.models import Processor


def open_item(
    kind: AttentionKind,
    sentence: Sentence,
    *,
    actor: Actor,
    case: Case | None = None,
    request: ProcessorRequest | None = None,
    processor: Processor | None = None,
) -> bool:
    """Open an item unless the same one is open already; says whether it did. The sentence holds no identity.

    One about a request is about its case too.
    """
    if request is not None:
        case = request.case
    try:
        with transaction.atomic():
            AttentionItem.objects.create(
                kind=kind,
                sentence=sentence,
                case=case,
                processor_request=request,
                processor=processor,
                opened_at=timezone.now(),
            )
    except IntegrityError:
        return False
    audit.record(
        Action.ATTENTION_OPENED, actor=actor, case=case, processor=processor, details={"kind": str(kind)}
    )
    return True


def resolve(item: AttentionItem, *, actor: Actor, resolution: str) -> None:
    """Settle one item and, with it, its case. Raises Superseded where it was settled already."""
    if item.case_id is None:
        with transaction.atomic():
            _resolve(item, actor=actor, resolution=resolution)
        return
    with progress.locked(item.case_id) as case:
        item.case = case
        _resolve(item, actor=actor, resolution=resolution)
        progress.settle(case, actor=actor)


def resolve_all(
    *kinds: AttentionKind,
    actor: Actor,
    resolution: str,
    case: Case | None = None,
    request: ProcessorRequest | None = None,
    processor: Processor | None = None,
) -> bool:
    """Settle what a later fact has answered, inside the caller's transaction and case lock; whether any was open."""
    items = AttentionItem.objects.filter(kind__in=kinds, resolved_at__isnull=True)
    if case is not None:
        items = items.filter(case=case)
    if request is not None:
        items = items.filter(processor_request=request)
    if processor is not None:
        items = items.filter(processor=processor)
    found = list(items.select_related("case", "processor"))
    for item in found:
        _resolve(item, actor=actor, resolution=resolution)
    return bool(found)


def _resolve(item: AttentionItem, *, actor: Actor, resolution: str) -> None:
    changed = AttentionItem.objects.filter(pk=item.pk, resolved_at__isnull=True).update(
        resolved_at=timezone.now(), resolved_by=actor.user_id, resolution=resolution
    )
    if changed != 1:
        raise Superseded
    audit.record(
        Action.ATTENTION_RESOLVED,
        actor=actor,
        case=item.case,
        processor=item.processor,
        reason=resolution,
        details={"kind": item.kind, "resolution": resolution},
    )
