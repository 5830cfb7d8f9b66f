"""Signed callbacks: verified, kept as evidence, applied."""

import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID, uuid4

from django.core.cache import cache
from django.db import Error, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from redis.exceptions import RedisError

from cases.actor import Actor, Source
from cases.models import AttentionKind, CallbackDelivery, ProcessorRequest, Verdict
from cases.models.callback import NOT_FOR_US
from cases.services import attention, progress
from cases.services.reports import reports
from dsrportal.models import DataKey
from dsrportal.sentence import Sentence
from integrations.errors import CertificateUnavailable, NotVerified
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import CallbackContent

logger = logging.getLogger(__name__)

# The headers worth keeping as evidence: an allow-list, since others may carry secrets of proxies.
KEPT_HEADERS = (
    "content-type",
    "content-length",
    "transfer-encoding",
    "user-agent",
    "x-opendsr-processor-domain",
    "x-opendsr-signature",
)
PROCESSOR_CACHE_SECONDS = 5
REFUSALS_KEPT_SECONDS = 35 * 24 * 3600
# Why a callback was not believed: the reasons of `NotVerified`, and our own two.
REFUSALS = {
    "unknown_token": Sentence("The address does not belong to this portal"),
    "no_domain": Sentence("Names no processor domain"),
    "wrong_domain": Sentence("Names another domain"),
    "no_signature": Sentence("Not signed"),
    "signature_unreadable": Sentence("The signature is not valid base64"),
    "signature_wrong": Sentence("The signature does not match the body"),
    "weak_key": Sentence("The signing key is too weak"),
    "certificate_unreadable": Sentence("The certificate cannot be parsed"),
    "certificate_expired": Sentence("The certificate has expired"),
    "certificate_not_yet_valid": Sentence("The certificate is not valid yet"),
    "certificate_wrong_name": Sentence("The certificate names another domain"),
    "certificate_weak_key": Sentence("The certificate's key is too weak"),
    "certificate_wrong_use": Sentence("The certificate is not a server certificate"),
    "certificate_untrusted": Sentence("The certificate has no chain to a trusted root"),
    "certificate_unavailable": Sentence("The certificate could not be fetched (response: try again)"),
}


def receive(*, token: str, headers: Mapping[str, str], body: bytes, address: str) -> int:
    """Take one POST; the HTTP status to answer with. Header names in lower case.

    202 after the commit; 401 where it is not proven to be the vendor's, and nothing changed; 503 where the
    certificate could not be had or nothing could be committed, so that the vendor may try again.
    """
    try:
        return _receive(token=token, headers=headers, body=body, address=address)
    except Error:
        logger.exception("A callback could not be kept; the vendor is asked to try again.")
        return 503


def _receive(*, token: str, headers: Mapping[str, str], body: bytes, address: str) -> int:
    processor = _processor_for(token)
    if processor is None:
        count_refusal("unknown_token")
        return 401
    try:
        callback = connector_for(processor).verify_callback(headers, body)
    except NotVerified as refusal:
        count_refusal(refusal.reason)
        return 401
    except CertificateUnavailable:
        count_refusal("certificate_unavailable")
        return 503
    delivery = CallbackDelivery(
        id=uuid4(),
        data_key=DataKey.shared(DataKey.Purpose.EVIDENCE),
        processor=processor,
        certificate_id=callback.certificate_sha256,
        received_at=timezone.now(),
        address=address or None,
        body=body,
        headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
        body_sha256=hashlib.sha256(body).hexdigest(),
        reported_status=callback.report.raw_status[:64] if callback.report else "",
    )
    _store(delivery, callback)
    return 202


def _processor_for(token: str) -> Processor | None:
    known = _processors(int(time.monotonic() // PROCESSOR_CACHE_SECONDS)).get(token)
    # A processor that was added a moment ago is not remembered yet.
    return known or Processor.objects.select_related("data_key").filter(callback_token=token).first()


@lru_cache(maxsize=1)
def _processors(_moment: int) -> dict[str, Processor]:
    return {processor.callback_token: processor for processor in Processor.objects.select_related("data_key")}


def _store(delivery: CallbackDelivery, callback: CallbackContent) -> None:
    """Keep the delivery and apply it in one transaction. The same body again is counted, not kept twice.

    What cannot be applied is rolled back whole and the delivery kept by itself, for the sweep. A savepoint
    around the applying would come to the same, for two more statements in every callback.
    """
    try:
        with transaction.atomic():
            _apply_and_note(delivery, callback)
            delivery.save(force_insert=True)
    except Exception as error:
        # Whatever it is, the evidence must not be lost with it; the sweep tries again and logs again.
        if isinstance(error, IntegrityError) and _counted(delivery):
            return
        logger.exception("Delivery %s could not be applied; the sweep will try again.", delivery.pk)
        _keep_unapplied(delivery)


def _keep_unapplied(delivery: CallbackDelivery) -> None:
    delivery.verdict, delivery.applied_at, delivery.processor_request = Verdict.RECEIVED, None, None
    try:
        with transaction.atomic():
            delivery.save(force_insert=True)
    except IntegrityError:
        if not _counted(delivery):
            raise


def _counted(delivery: CallbackDelivery) -> bool:
    """Whether the same body is kept already; then this is one more time that it came."""
    known = CallbackDelivery.objects.filter(processor=delivery.processor, body_sha256=delivery.body_sha256)
    return bool(known.update(repeats=F("repeats") + 1))


def _apply_and_note(delivery: CallbackDelivery, callback: CallbackContent) -> None:
    delivery.verdict = _apply(delivery, callback)
    if delivery.verdict in NOT_FOR_US:
        _show(delivery)
    delivery.applied_at = timezone.now()


def _apply(delivery: CallbackDelivery, callback: CallbackContent) -> Verdict:
    """A valid signature proves the vendor; the rest decides whether the callback is for us."""
    report = callback.report
    if report is None:
        return Verdict.MALFORMED
    processor = delivery.processor
    if report.account and report.account != processor.account:
        return Verdict.FOREIGN_ACCOUNT
    if callback.callback_url and not _is_our_address(callback.callback_url, processor):
        return Verdict.FOREIGN_ADDRESS
    try:
        request = progress.lock_request(report.request_id, known=processor)
    except ProcessorRequest.DoesNotExist:
        return Verdict.UNKNOWN_REQUEST
    if request.processor_id != processor.pk:
        return Verdict.OTHER_PROCESSOR
    delivery.processor_request = request
    return reports.apply(request, report, actor=Actor(Source.CALLBACK, address=delivery.address or ""))


def _show(delivery: CallbackDelivery) -> None:
    """A human looks at what was signed and is not for us: one open item a processor, however many come."""
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        Sentence(
            "%(processor)s sent a signed callback that could not be processed. Check its deliveries.",
            processor=delivery.processor.name,
        ),
        actor=Actor(Source.CALLBACK, address=delivery.address or ""),
        processor=delivery.processor,
    )


def _is_our_address(url: str, processor: Processor) -> bool:
    """The token in the signed body decides, not the host: that may have changed since the request was sent."""
    path = url.split("?", 1)[0].rstrip("/")
    return secrets.compare_digest(path.rsplit("/", 1)[-1].encode(), processor.callback_token.encode())


def apply_again(delivery_id: UUID) -> None:
    """Apply a kept delivery whose first application failed. It was verified when it came and is sealed since."""
    delivery = CallbackDelivery.objects.select_related("processor__data_key", "data_key").get(pk=delivery_id)
    if delivery.verdict != Verdict.RECEIVED:
        return
    callback = connector_for(delivery.processor).read_callback(delivery.body)
    waiting = CallbackDelivery.objects.select_for_update().filter(pk=delivery.pk, verdict=Verdict.RECEIVED)
    try:
        with transaction.atomic():
            if not waiting.exists():
                return
            _apply_and_note(delivery, callback)
            delivery.save(update_fields=["verdict", "applied_at", "processor_request"])
    except Exception:
        logger.exception("Delivery %s could not be applied; the sweep will try again.", delivery.pk)


def count_refusal(reason: str) -> None:
    """Count an unverified callback by reason and day: no row, so that nobody can fill the database."""
    key = _refusal_key(timezone.now(), reason)
    try:
        cache.add(key, 0, timeout=REFUSALS_KEPT_SECONDS)
        cache.incr(key)
    except (RedisError, ValueError):  # the latter where the cache was emptied between the two
        logger.warning("A refused callback (%s) could not be counted.", reason)


def refused_lately(*, days: int) -> list[tuple[Sentence, int]] | None:
    """How often callbacks were refused today (UTC) and on the days before it, by reason, most frequent first.

    None where the store that counts does not answer.
    """
    now = timezone.now()
    keys = {
        _refusal_key(now - timedelta(days=day), reason): reason for day in range(days) for reason in REFUSALS
    }
    try:
        found: dict[str, int] = cache.get_many(keys)
    except RedisError:
        logger.warning("The counts of refused callbacks could not be read.")
        return None
    counts: Counter[Sentence] = Counter()
    for key, count in found.items():
        counts[REFUSALS[keys[key]]] += count
    return counts.most_common()


def _refusal_key(moment: datetime, reason: str) -> str:
    return f"refused:{moment.astimezone(UTC):%Y-%m-%d}:{reason}"
