"""Result packages: fetched at completion, whole, hashed, and never in clear on a disk."""

import hashlib
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import storages
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cases.actor import REPORT, Actor
from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import Action, AttentionKind, Case, PackageState, ProcessorRequest, ResultPackage
from cases.services import attention, audit, failures, inquiries, progress, reports, transition
from cases.services.progress import WITH_RESULT
from cases.services.refusal import Refused, Superseded
from dsrportal.crypto import decrypt_chunks, encrypt_chunks
from integrations.connector import Connector
from integrations.errors import Expired, IntegrationError, NothingFound, TooLarge
from integrations.models import Processor
from integrations.registry import connector_for

logger = logging.getLogger(__name__)

# Renewed while the result comes in: a worker that dies is noticed within a minute, however large its download was.
LEASE_SECONDS = 40
RENEW_SECONDS = 10


class _Counted:
    """Clear chunks on their way into encryption, counted and hashed as they pass, the lease renewed meanwhile."""

    def __init__(self, chunks: Iterator[bytes], request: ProcessorRequest) -> None:
        self._chunks = chunks
        self._request = request
        self.size = 0
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        held_at = time.monotonic()
        for chunk in self._chunks:
            if time.monotonic() - held_at > RENEW_SECONDS:
                held_at = time.monotonic()
                _renew(self._request)
            self.size += len(chunk)
            self.sha256.update(chunk)
            yield chunk


class _Encrypted(File):
    """What file storage is given: encrypted chunks, made as they are read, so that no clear copy is written."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__(None)
        self._encrypted = chunks

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._encrypted


def waiting() -> QuerySet[ProcessorRequest]:
    """Completed access and portability requests whose result was not fetched yet and that nobody is fetching."""
    now = timezone.now()
    return ProcessorRequest.objects.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=now),
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        status=RequestStatus.COMPLETED,
        # Without a result there is no answer; said here, it spares looking for the results of all that was answered.
        answer="",
        case__type__in=WITH_RESULT,
        result_package__isnull=True,
        processor__in=Processor.objects.sending(),
    ).order_by("completed_at", "pk")


def fetch(request_id: UUID) -> None:
    """Fetch one result under a lease; safe to run twice and at once."""
    token = uuid4()
    claimed = waiting().filter(pk=request_id).order_by().values("pk")
    taken = ProcessorRequest.objects.filter(pk__in=claimed).update(
        lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS),
        lease_token=token,
        attempts=F("attempts") + 1,
    )
    if not taken:
        return
    request = ProcessorRequest.objects.select_related(
        "case__data_key", "case__subject__data_key", "processor__data_key"
    ).get(pk=request_id)
    connector = connector_for(request.processor)
    try:
        if not request.results_url:
            _learn_url(connector, request)
        _keep(request, _download(connector, request))
    except NothingFound:
        _keep(request, ResultPackage(state=PackageState.NO_DATA))
    except Expired:
        _keep(request, ResultPackage(state=PackageState.MISSED))
    except TooLarge:
        _keep(request, ResultPackage(state=PackageState.TOO_LARGE))
    except IntegrationError as error:
        failures.record(request, error)
    except Superseded:
        logger.info("The result of request %s is in another worker's hands.", request.pk)


def _renew(request: ProcessorRequest) -> None:
    """Raises Superseded where the lease has passed to another worker."""
    mine = ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token)
    if not mine.update(lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS)):
        raise Superseded


def _learn_url(connector: Connector, request: ProcessorRequest) -> None:
    """A callback may say `completed` without naming the result: ask once more for the id."""
    report = connector.report(inquiries.of(request))
    with progress.locked_request(request.pk) as current:
        reports.apply(current, report, actor=REPORT)
    if not report.results_url:
        raise Expired("The processor completed the request and names no result.")
    request.results_url = report.results_url


def _download(connector: Connector, request: ProcessorRequest) -> ResultPackage:
    package = ResultPackage(state=PackageState.FETCHED)
    name, storage = f"{package.pk}.sealed", storages["packages"]
    with connector.fetch_result(
        inquiries.of(request), request.results_url, limit_bytes=settings.RESULT_LIMIT_BYTES
    ) as result:
        counted = _Counted(result.chunks, request)
        encrypted = encrypt_chunks(request.case.data_key.secret(), counted, package.associated)
        try:
            package.stored_name = storage.save(name, _Encrypted(encrypted))
        except (IntegrationError, Superseded):
            storage.delete(name)
            raise
        package.content_type = result.content_type[:100]
    package.size_bytes, package.sha256 = counted.size, counted.sha256.hexdigest()
    return package


def _keep(request: ProcessorRequest, package: ResultPackage) -> None:
    """Record the result and what it amounts to; a copy that came too late is thrown away."""
    now = timezone.now()
    with progress.locked_request(request.pk) as current:
        if (
            current.lease_token != request.lease_token
            or ResultPackage.objects.filter(processor_request=current).exists()
        ):
            if package.stored_name:
                storages["packages"].delete(package.stored_name)
            return
        package.processor_request, package.fetched_at = current, now
        if package.state == PackageState.FETCHED:
            package.expires_at = now + timedelta(days=settings.PACKAGE_DAYS)
        package.save(force_insert=True)
        ProcessorRequest.objects.filter(pk=current.pk).update(
            lease_until=None, lease_token=None, next_attempt_at=None, answered_attempts=F("attempts")
        )
        _tell(current, package)
        if current.case.status == CaseStatus.ATTENTION:
            attention.resolve_all(
                AttentionKind.RETRIES_EXHAUSTED, actor=REPORT, resolution="answered", request=current
            )
        progress.settle(current.case, actor=REPORT)


def _tell(request: ProcessorRequest, package: ResultPackage) -> None:
    name = request.processor.name
    details: audit.Details = {"request": str(request.pk), "processor": name, "package": str(package.pk)}
    if package.state == PackageState.FETCHED:
        details |= {"size_bytes": package.size_bytes, "sha256": package.sha256}
        audit.record(
            Action.RESULT_FETCHED,
            actor=REPORT,
            case=request.case,
            processor=request.processor,
            details=details,
        )
        transition.answer_request(request, Answer.DONE, actor=REPORT)
    elif package.state == PackageState.NO_DATA:
        # 404 on the result is the normal “we hold nothing” (OpenDSR v3 page: no records match).
        transition.answer_request(request, Answer.NO_DATA_HELD, actor=REPORT)
    else:
        audit.record(
            Action.RESULT_MISSED,
            actor=REPORT,
            case=request.case,
            processor=request.processor,
            details={**details, "state": str(package.state)},
        )
        why = (
            "was gone before it could be fetched"
            if package.state == PackageState.MISSED
            else "is larger than allowed"
        )
        attention.open_item(
            AttentionKind.RESULT_MISSED,
            f"The result at {name} {why}; get it from {name} by hand or open a new case.",
            actor=REPORT,
            case=request.case,
            request=request,
        )


def download(package: ResultPackage, *, actor: Actor) -> Iterator[bytes]:
    """The clear bytes, streamed; the download is in the trail before the first byte leaves.

    Raises Refused where there is no file. A changed, cut or exchanged file raises dsrportal.crypto.Tampered.
    """
    if package.state != PackageState.FETCHED:
        raise Refused("There is no package to download.")
    case: Case = package.processor_request.case
    audit.record(
        Action.RESULT_DOWNLOADED,
        actor=actor,
        case=case,
        processor=package.processor_request.processor,
        details={"package": str(package.pk), "sha256": package.sha256},
    )
    return _clear_chunks(package, case.data_key.secret())


def _clear_chunks(package: ResultPackage, secret: bytes) -> Iterator[bytes]:
    with storages["packages"].open(package.stored_name) as stored:
        yield from decrypt_chunks(secret, stored.chunks(), package.associated)
