"""Which key is current: memory, database, fetched; and what junk cannot make it do."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from dsrportal.sentence import Sentence
from integrations.errors import CertificateUnavailable, NotSent, NotVerified
from integrations.models import Processor, SigningCertificate
from integrations.opendsr import signing_keys
from tests.authority import Authority, Issued, rsa_key
from tests.integrations.opendsr.conftest import DOMAIN

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


class Source:
    """What discovery leads to: serves a bundle or fails, and counts."""

    def __init__(self, authority: Authority, leaf: Issued | None = None) -> None:
        self.authority = authority
        self.leaf = leaf or authority.leaf(DOMAIN)
        self.calls = 0
        self.down = False
        self.seconds = 0.0

    def __call__(self) -> bytes:
        self.calls += 1
        time.sleep(self.seconds)
        if self.down:
            raise NotSent(Sentence("No connection to opendsr.mparticle.com."))
        return self.authority.bundle(self.leaf)

    def rotate(self) -> None:
        self.leaf = self.authority.leaf(DOMAIN, key=rsa_key(2048, self.calls + 1))


@pytest.fixture
def source(authority: Authority) -> Source:
    return Source(authority)


def current(processor: Processor, source: Source, at: datetime = NOW) -> str:
    return signing_keys.current(processor, source, at=at).sha256


def test_a_key_is_fetched_once_kept_as_evidence_and_then_needs_no_query(
    signed_by: Processor, source: Source, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert current(signed_by, source) == source.leaf.sha256
    row = SigningCertificate.objects.get()
    assert (row.sha256, row.domain) == (source.leaf.sha256, DOMAIN)
    assert row.pem.encode() == source.authority.bundle(source.leaf)
    with django_assert_num_queries(0):
        for _ in range(3):
            assert current(signed_by, source) == source.leaf.sha256
    assert source.calls == 1


def test_another_process_takes_it_from_the_database(signed_by: Processor, source: Source) -> None:
    current(signed_by, source)
    signing_keys.forget()
    assert current(signed_by, source) == source.leaf.sha256
    assert source.calls == 1


def test_a_row_that_this_processor_does_not_trust_is_not_used(signed_by: Processor, source: Source) -> None:
    stranger = Authority()
    other = Processor.objects.create(
        kind="mparticle", name="Other", account="1", extra_signing_roots=stranger.root_pem
    )
    current(signed_by, source)
    theirs = Source(stranger)
    assert current(other, theirs) == theirs.leaf.sha256
    assert theirs.calls == 1
    signing_keys.forget()
    assert current(signed_by, source) == source.leaf.sha256
    assert source.calls == 1


def test_other_roots_or_another_domain_begin_anew(signed_by: Processor, source: Source) -> None:
    current(signed_by, source)
    signed_by.extra_signing_roots = ""
    with pytest.raises(NotVerified) as refusal:
        current(signed_by, source)
    assert refusal.value.reason == "certificate_untrusted"


def test_dates_are_looked_at_each_time(signed_by: Processor, source: Source) -> None:
    current(signed_by, source)
    after = NOW + 91 * DAY
    with pytest.raises(NotVerified) as refusal:
        current(signed_by, source, at=after)
    assert refusal.value.reason == "certificate_expired"
    assert source.calls == 2


def test_an_expired_key_is_replaced_by_what_is_served_now(signed_by: Processor, authority: Authority) -> None:
    source = Source(authority, authority.leaf(DOMAIN, not_after=NOW + DAY))
    first = current(signed_by, source)
    source.leaf = authority.leaf(DOMAIN, not_after=NOW + 30 * DAY)
    assert current(signed_by, source) == first
    assert current(signed_by, source, at=NOW + 2 * DAY) == source.leaf.sha256
    assert SigningCertificate.objects.count() == 2


@pytest.mark.parametrize("served", ["expired", "untrusted", "wrong_name"])
def test_an_invalid_certificate_is_refused_again_without_being_fetched_again(
    signed_by: Processor, authority: Authority, served: str
) -> None:
    source = {
        "expired": Source(authority, authority.leaf(DOMAIN, not_before=NOW - 2 * DAY, not_after=NOW - DAY)),
        "untrusted": Source(Authority()),
        "wrong_name": Source(authority, authority.leaf("www.mparticle.com")),
    }[served]
    for _ in range(5):
        with pytest.raises(NotVerified) as refusal:
            current(signed_by, source)
        assert refusal.value.reason == f"certificate_{served}"
    assert source.calls == 1
    assert not SigningCertificate.objects.exists()


def test_an_outage_is_said_at_once_for_a_moment_and_then_tried_again(
    signed_by: Processor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "UNAVAILABLE_SECONDS", 0.2)
    source.down = True
    for _ in range(5):
        with pytest.raises(CertificateUnavailable, match="No connection"):
            current(signed_by, source)
    assert source.calls == 1
    source.down = False
    time.sleep(0.25)
    assert current(signed_by, source) == source.leaf.sha256


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("down", [False, True])
def test_many_at_once_fetch_once(source: Source, authority: Authority, down: bool) -> None:
    signing_keys.forget()
    processor = Processor.objects.create(
        kind="mparticle", name="Signed", account="4302", extra_signing_roots=authority.root_pem
    )
    source.seconds = 0.2
    source.down = down
    found: list[str] = []

    def ask() -> None:
        from django.db import connection

        try:
            found.append(current(processor, source))
        except CertificateUnavailable:
            found.append("unavailable")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["unavailable" if down else source.leaf.sha256] * 8
    assert source.calls == 1


def test_who_waits_too_long_for_the_fetch_of_another_is_told_so(
    signed_by: Processor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "SINGLE_FLIGHT_SECONDS", 0.05)
    started, release = threading.Event(), threading.Event()

    def stuck() -> bytes:
        started.set()
        release.wait(5)
        raise NotSent(Sentence("No connection."))

    def ask() -> None:
        from django.db import connection

        with pytest.raises(CertificateUnavailable):
            signing_keys.current(signed_by, stuck, at=NOW)
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    assert started.wait(5)
    with pytest.raises(CertificateUnavailable, match="still being fetched"):
        current(signed_by, source)
    release.set()
    thread.join()
    assert source.calls == 0


# After a signature that does not fit.


def newer(processor: Processor, source: Source) -> str | None:
    key = signing_keys.current(processor, source, at=NOW)
    found = signing_keys.newer(processor, source, than=key, at=NOW)
    return None if found is None else found.sha256


def test_a_key_changed_early_is_found(signed_by: Processor, source: Source) -> None:
    old = current(signed_by, source)
    source.rotate()
    assert newer(signed_by, source) == source.leaf.sha256 != old
    assert current(signed_by, source) == source.leaf.sha256
    signing_keys.forget()
    assert current(signed_by, source) == source.leaf.sha256


def test_junk_fetches_once_and_looks_once_and_evicts_nothing(
    signed_by: Processor, source: Source, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    good = current(signed_by, source)
    assert newer(signed_by, source) is None
    assert source.calls == 2
    with django_assert_num_queries(0):
        for _ in range(100):
            assert newer(signed_by, source) is None
    assert source.calls == 2
    assert current(signed_by, source) == good


def test_all_processes_together_refetch_once_a_minute(
    signed_by: Processor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "LOOK_SECONDS", 0.0)
    current(signed_by, source)
    for _ in range(5):
        assert newer(signed_by, source) is None
        signing_keys.forget()  # as if another process
    assert source.calls == 2


def test_a_key_that_another_process_found_is_taken_from_the_database(
    signed_by: Processor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "LOOK_SECONDS", 0.0)
    old = signing_keys.current(signed_by, source, at=NOW)
    source.rotate()
    assert newer(signed_by, source) == source.leaf.sha256
    signing_keys._slots[next(iter(signing_keys._slots))].key = old
    assert newer(signed_by, source) == source.leaf.sha256
    assert source.calls == 2


@pytest.mark.parametrize("trouble", ["down", "untrusted"])
def test_a_failed_refetch_keeps_the_good_key(signed_by: Processor, source: Source, trouble: str) -> None:
    good = current(signed_by, source)
    if trouble == "down":
        source.down = True
    else:
        source.authority = Authority()
        source.leaf = source.authority.leaf(DOMAIN)
    assert newer(signed_by, source) is None
    assert current(signed_by, source) == good


def test_good_ones_do_not_wait_for_the_refetch_that_junk_caused(signed_by: Processor, source: Source) -> None:
    good = current(signed_by, source)
    slot = next(iter(signing_keys._slots.values()))
    with slot.lock:  # as it is held during a refetch
        began = time.monotonic()
        assert current(signed_by, source) == good
        assert newer(signed_by, source) is None
        assert time.monotonic() - began < 0.1


def test_without_the_cache_a_process_limits_itself(
    signed_by: Processor, source: Source, settings: Settings
) -> None:
    current(signed_by, source)
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    for _ in range(5):
        assert newer(signed_by, source) is None
    assert source.calls == 2
