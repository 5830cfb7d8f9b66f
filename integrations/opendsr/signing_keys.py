"""The current signing key of a processor: from memory, from the database, else fetched.

The warm path is a look into a dict and two comparisons: no lock, no query. Fetching happens outside any
transaction, by one thread of a process at a time while the others wait at most 5 s; and what a sender of
junk can cause is bounded: a wrong signature looks for a newer key at most once in 5 s per process and
fetches at most once a minute over all processes, and never takes a good key out of the cache.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

from dsrportal.sentence import NOTHING, Sentence
from integrations.account import Account
from integrations.errors import CertificateUnavailable, IntegrationError, NotVerified
from integrations.models import SigningCertificate
from integrations.opendsr.certificates import SigningKey, verify_bundle

logger = logging.getLogger(__name__)

SINGLE_FLIGHT_SECONDS = 5.0
# How long the failure to get any valid key is remembered.
UNAVAILABLE_SECONDS = 3.0
INVALID_SECONDS = 30.0
# After a wrong signature: how often one process looks for a newer key, and all together fetch one.
LOOK_SECONDS = 5.0
REFETCH_SECONDS = 60

Fetch = Callable[[], bytes]


@dataclass(slots=True)
class _Slot:
    """What this process knows of one processor, in one configuration of its trust."""

    key: SigningKey | None = None
    # Held while looking and fetching; never while verifying.
    lock: threading.Lock = field(default_factory=threading.Lock)
    # The last failure as (reason, or "" for unavailable; sentence), and how long it is repeated.
    failure: tuple[str, Sentence] = ("", NOTHING)
    failed_until: float = 0.0
    looked_until: float = 0.0


_slots: dict[tuple[object, ...], _Slot] = {}


def current(processor: Account, fetch: Fetch, *, at: datetime) -> SigningKey:
    """The key that signs for the processor's domain at `at`. `fetch` gives the bundle as served now.

    Raises CertificateUnavailable where it cannot be had, NotVerified where what is served is not valid.
    """
    slot = _slot(processor)
    key = slot.key
    if key is not None and key.holds_at(at):
        return key
    _repeat_failure(slot)
    if not slot.lock.acquire(timeout=SINGLE_FLIGHT_SECONDS):
        raise CertificateUnavailable(Sentence("The signing certificate is still being fetched."))
    try:
        if slot.key is not None and slot.key.holds_at(at):
            return slot.key
        _repeat_failure(slot)
        slot.key = _stored(processor, at) or _fetched(processor, fetch, at)
        return slot.key
    except CertificateUnavailable as error:
        slot.failure, slot.failed_until = ("", error.sentence), time.monotonic() + UNAVAILABLE_SECONDS
        raise
    except NotVerified as error:
        slot.failure, slot.failed_until = (error.reason, error.sentence), time.monotonic() + INVALID_SECONDS
        raise
    finally:
        slot.lock.release()


def newer(processor: Account, fetch: Fetch, *, than: SigningKey, at: datetime) -> SigningKey | None:
    """Another key than the one a signature did not fit, if the processor has changed it early; else None.

    Never raises and never waits for another thread: a signature that does not fit is refused meanwhile.
    """
    slot = _slot(processor)
    if slot.key is not None and slot.key.sha256 != than.sha256 and slot.key.holds_at(at):
        return slot.key
    if time.monotonic() < slot.looked_until or not slot.lock.acquire(blocking=False):
        return None
    try:
        if time.monotonic() < slot.looked_until:
            return None
        slot.looked_until = time.monotonic() + LOOK_SECONDS
        key = _stored(processor, at)
        if (key is None or key.sha256 == than.sha256) and _may_refetch(processor):
            key = _fetched(processor, fetch, at)
        if key is None or key.sha256 == than.sha256:
            return None
        logger.warning("The signing certificate of %s has changed to %s.", key.domain, key.sha256[:16])
        slot.key = key
        return key
    except (CertificateUnavailable, NotVerified) as error:
        logger.warning("No newer signing certificate after a signature that does not fit: %s", error)
        return None
    finally:
        slot.lock.release()


def forget() -> None:
    """Empty this process's memory of keys and failures."""
    _slots.clear()


def _slot(processor: Account) -> _Slot:
    """Changing the domain or the trusted roots makes another slot: nothing verified under the old counts."""
    key = (processor.pk, processor.domain, processor.extra_signing_roots)
    found = _slots.get(key)
    # setdefault is atomic: two threads get the same slot.
    return found if found is not None else _slots.setdefault(key, _Slot())


def _repeat_failure(slot: _Slot) -> None:
    if time.monotonic() >= slot.failed_until:
        return
    reason, sentence = slot.failure
    raise NotVerified(reason, sentence) if reason else CertificateUnavailable(sentence)


def _may_refetch(processor: Account) -> bool:
    """Once a minute over all processes; without the store, once in each look of this process."""
    try:
        return bool(cache.add(f"signing-key-refetched:{processor.pk}", 1, timeout=REFETCH_SECONDS))
    except Exception:
        logger.warning("The cache cannot be reached: refetching a certificate is limited per process only.")
        return True


def _stored(processor: Account, at: datetime) -> SigningKey | None:
    """The certificate served last that is valid now, from those this portal has verified before."""
    rows = SigningCertificate.objects.filter(
        domain=processor.domain, not_before__lte=at, not_after__gte=at
    ).order_by("-last_served_at")
    for row in rows[:3]:
        try:
            return _verified(processor, row.pem.encode("ascii"), at)
        except NotVerified:
            # Another processor's of the same name, under roots that this one does not trust.
            continue
    return None


def _fetched(processor: Account, fetch: Fetch, at: datetime) -> SigningKey:
    try:
        pem = fetch()
    except IntegrationError as error:
        sentence = Sentence(
            "The signing certificate cannot be fetched: %(sentence)s", sentence=error.sentence
        )
    else:
        key = _verified(processor, pem, at)
        SigningCertificate.objects.update_or_create(
            sha256=key.sha256,
            defaults={
                "domain": key.domain,
                "pem": key.pem.decode("ascii"),
                "not_before": key.not_before,
                "not_after": key.not_after,
                "last_served_at": timezone.now(),
            },
        )
        return key
    raise CertificateUnavailable(sentence)


def _verified(processor: Account, pem: bytes, at: datetime) -> SigningKey:
    return verify_bundle(
        pem, domain=processor.domain, extra_signing_roots=processor.extra_signing_roots, at=at
    )
