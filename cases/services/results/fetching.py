"""Results of access and portability requests: fetched at completion, kept, and told to whoever must know.

The download itself is in `streaming`, what people do with a package in `packages`.
"""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cases.actor import REPORT, Actor
from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import Action, AttentionKind, PackageState, ProcessorRequest, ResultPackage
from cases.services import attention, audit, progress, transition
from cases.services.files import storage as file_storage
from cases.services.progress import WITH_RESULT
from cases.services.refusal import Refused, Superseded
from cases.services.reports import failures, payloads, reports
from cases.services.results import packages, streaming
from cases.services.results.streaming import LEASE_SECONDS
from dsrportal import queueing
from dsrportal.sentence import Sentence
from integrations.connector import Capability, Connector
from integrations.errors import Expired, IntegrationError, NothingFound, TooLarge
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import PackageSummary

logger = logging.getLogger(__name__)

KEPT: Final = (PackageState.FETCHED, PackageState.SEALED)
# What can be dropped and fetched anew.
REFETCHED: Final = (PackageState.SEALED, PackageState.MISSED, PackageState.TOO_LARGE)

NOTHING_HELD: Final = Sentence("The data subject is known there, but no data about them is held.")
NO_PROFILE: Final = Sentence(
    "The result contains no profile. Whether profiles are included is a setting at the processor."
)


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
        # A kind that calls back says with the completion where the result is; another needs no address.
        if not request.results_url and Capability.CALLBACKS in connector.capabilities:
            _learn_url(connector, request)
        _keep(request, streaming.download(connector, request))
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


def _learn_url(connector: Connector, request: ProcessorRequest) -> None:
    """A callback may say `completed` without naming the result: ask once more for the id."""
    report = connector.report(payloads.inquiry(request))
    with progress.locked_request(request.pk) as current:
        reports.apply(current, report, actor=REPORT)
    if not report.results_url:
        raise Expired(Sentence("The processor completed the request but provided no result."))
    request.results_url = report.results_url


def _keep(request: ProcessorRequest, package: ResultPackage) -> None:
    """Record the result and what it amounts to; a copy that came too late is thrown away."""
    now = timezone.now()
    with progress.locked_request(request.pk) as current:
        if (
            current.lease_token != request.lease_token
            or ResultPackage.objects.filter(processor_request=current).exists()
        ):
            file_storage.delete(package.stored_name)
            return
        package.processor_request, package.fetched_at = current, now
        if package.state in KEPT:
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
    if package.state == PackageState.FETCHED:
        _record(Action.RESULT_FETCHED, request, package)
        _answer(request, packages.summary_of(package) or PackageSummary())
    elif package.state == PackageState.NO_DATA:
        # 404 on the result is the normal “we hold nothing” (OpenDSR v3 page: no records match).
        transition.answer_request(request, Answer.NO_DATA_HELD, actor=REPORT)
    elif package.state == PackageState.SEALED:
        _record(Action.RESULT_SEALED, request, package, {"doubt": package.doubt})
        sentence = packages.why_sealed(package.doubt, name=request.processor.name)
        _ask(AttentionKind.RESULT_IN_DOUBT, request, sentence)
    else:
        _record(Action.RESULT_MISSED, request, package, {"state": str(package.state)})
        name = request.processor.name
        if package.state == PackageState.MISSED:
            sentence = Sentence(
                "The result at %(name)s was no longer available. Send the request again.",
                name=name,
            )
        else:
            sentence = Sentence(
                "The result at %(name)s is far larger than allowed. Have the limit raised and fetch it "
                "again, or get it from %(name)s manually.",
                name=name,
            )
        _ask(AttentionKind.RESULT_MISSED, request, sentence)


def _answer(request: ProcessorRequest, summary: PackageSummary) -> None:
    """That somebody is known and nothing is held is an answer of its own, and so is a result without a profile."""
    without_profile = bool(summary.members) and not summary.has_profile
    remark = NOTHING_HELD if summary.empty else NO_PROFILE if without_profile else ""
    if remark:
        ProcessorRequest.objects.filter(pk=request.pk).update(remark=remark)
    answer = Answer.NO_DATA_HELD if summary.empty else Answer.DONE
    transition.answer_request(request, answer, actor=REPORT)


def _record(
    action: Action,
    request: ProcessorRequest,
    package: ResultPackage,
    more: audit.Details | None = None,
    *,
    actor: Actor = REPORT,
) -> None:
    details: audit.Details = {"package": str(package.pk), **(more or {})}
    if package.sha256:
        details |= {"size_bytes": package.size_bytes, "sha256": package.sha256}
    audit.of_request(action, request, actor=actor, details=details)


def _ask(kind: AttentionKind, request: ProcessorRequest, sentence: Sentence) -> None:
    attention.open_item(kind, sentence, actor=REPORT, request=request)


def refetch(package: ResultPackage, *, actor: Actor) -> None:
    """Drop a result that is sealed or could not be kept, and have it fetched while the processor still has it.

    Raises Refused for a closed case, a request that was sent again, and a result that was kept.
    """
    with progress.locked_request(package.processor_request_id) as request:
        if request.case.status == CaseStatus.CLOSED:
            raise Refused(Sentence("The case is closed. Reopen it first."))
        if ProcessorRequest.objects.filter(replaces=request).exists():
            raise Refused(Sentence("The request was sent again. The new request returns its own result."))
        dropped = ResultPackage.objects.select_for_update().filter(pk=package.pk, state__in=REFETCHED).first()
        if dropped is None or request.answer:
            raise Refused(
                Sentence("Only a result that is sealed or could not be stored can be fetched again.")
            )
        _record(Action.RESULT_DROPPED, request, dropped, {"state": str(dropped.state)}, actor=actor)
        attention.resolve_all(
            AttentionKind.RESULT_IN_DOUBT,
            AttentionKind.RESULT_MISSED,
            actor=actor,
            resolution="refetched",
            request=request,
        )
        # The row first: a file that no row names is found and deleted, one that a row misses is a broken promise.
        stored_name = dropped.stored_name
        dropped.delete()
        transaction.on_commit(lambda: file_storage.delete(stored_name))
        ProcessorRequest.objects.filter(pk=request.pk).update(next_attempt_at=None, last_error="")
        progress.settle(request.case, actor=actor)
        queueing.wake("cases.jobs.fetch_result", str(request.pk), queue="results")
