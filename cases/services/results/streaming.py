"""One result on its way in: encrypted as it comes, hashed, and looked into before anybody believes it.

All under a lease that is renewed meanwhile. No clear byte is written anywhere.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from cases.models import PackageState, ProcessorRequest, ResultPackage, SubjectIdentity
from cases.services.files import storage as file_storage
from cases.services.refusal import Superseded
from cases.services.reports import payloads
from dsrportal.crypto import Tampered, Unreadable
from dsrportal.sentence import Sentence
from integrations.connector import Connector
from integrations.errors import IntegrationError, UnexpectedAnswer
from integrations.types import Identity, PackageSummary

logger = logging.getLogger(__name__)

# Renewed while the result comes in: a worker that dies is noticed within a minute, however large its download was.
LEASE_SECONDS = 40
RENEW_SECONDS = 10
# A result over the limit is kept, sealed, up to so many times the limit: the processor deletes its own within days.
KEPT_SEALED = 4


class _Lease:
    """The lease of a request, renewed in time by whoever works long under it."""

    def __init__(self, request: ProcessorRequest) -> None:
        self._request = request
        self._held_at = time.monotonic()

    def keep(self) -> None:
        """Raises Superseded where the lease has passed to another worker."""
        if time.monotonic() - self._held_at > RENEW_SECONDS:
            self._held_at = time.monotonic()
            mine = ProcessorRequest.objects.filter(pk=self._request.pk, lease_token=self._request.lease_token)
            if not mine.update(lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS)):
                raise Superseded


class _Counted:
    """Clear chunks on their way into encryption, counted and hashed as they pass, the lease renewed meanwhile."""

    def __init__(self, chunks: Iterator[bytes], lease: _Lease) -> None:
        self._chunks = chunks
        self._lease = lease
        self.size = 0
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._lease.keep()
            self.size += len(chunk)
            self.sha256.update(chunk)
            yield chunk


class _Watched:
    """A stored file as it is read, the lease renewed meanwhile."""

    def __init__(self, stored: Any, lease: _Lease) -> None:
        self._stored = stored
        self._lease = lease

    def read(self, size: int = -1) -> Any:
        self._lease.keep()
        return self._stored.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)


def download(connector: Connector, request: ProcessorRequest) -> ResultPackage:
    """Store the result and look into it; a copy that cannot be read back is deleted again.

    Raises UnexpectedAnswer where it cannot be read back, and what the connector raises.
    """
    package, lease = ResultPackage(state=PackageState.FETCHED), _Lease(request)
    secret = request.case.data_key.secret()
    limit = KEPT_SEALED * settings.RESULT_LIMIT_BYTES
    with connector.fetch_result(payloads.inquiry(request), request.results_url, limit_bytes=limit) as result:
        counted = _Counted(result.chunks, lease)
        file_storage.save(package, counted, secret)
        package.content_type = result.content_type[:100]
    package.size_bytes, package.sha256 = counted.size, counted.sha256.hexdigest()
    try:
        summary = _look_into(connector, request, package, lease)
    except Exception as error:
        file_storage.delete(package.stored_name)
        if isinstance(error, Tampered):
            raise UnexpectedAnswer(Sentence("The stored result cannot be read.")) from None
        raise
    if summary.doubt:
        package.state, package.doubt = PackageState.SEALED, summary.doubt[:32]
    elif summary != PackageSummary():
        package.summary = asdict(summary)
    return package


def _look_into(
    connector: Connector, request: ProcessorRequest, package: ResultPackage, lease: _Lease
) -> PackageSummary:
    if (package.size_bytes or 0) > settings.RESULT_LIMIT_BYTES:
        return PackageSummary(doubt="too_large")
    submitted, secret = _of_the_person(request), request.case.data_key.secret()
    try:
        with file_storage.opened(package, secret, through=lambda stored: _Watched(stored, lease)) as clear:
            return connector.summarise(clear, submitted=submitted)
    except (DatabaseError, IntegrationError, OSError, Superseded, Unreadable):
        raise
    except Exception as error:
        # An error of ours must not cost the person their result, which is gone in days: it waits, sealed.
        logger.error("Result package %s cannot be looked into: %s", package.pk, type(error).__name__)
        return PackageSummary(doubt="unreadable")


def _of_the_person(request: ProcessorRequest) -> list[Identity]:
    """All values that are known to be this person's, of the types that were asked for.

    A person has two addresses, each asked for by a request of its own: an answer to one may name the other.
    """
    types = {identity.type for identity in payloads.identities(request)}
    known = SubjectIdentity.objects.filter(subject=request.case.subject_id, type__in=types)
    return [Identity(identity.type, identity.value) for identity in known.select_related("subject__data_key")]
