"""Everything that can happen to a few requests, one thing at a time: lanes that work or die, words that come late,
a vendor whose time stands still until it is moved, and people who cancel, retry and pause.

    life = Life(sandbox, receiver)
    case = life.approve("erasure", ["ada@example.org"])
    life.lane_works()
    life.vendor_moves_on(8 * DAY)
    life.deliver(0)

One process, many hands: a worker is what it has claimed, so it can stop anywhere and come back late.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django_rq
from django.conf import settings
from django.db import connection, connections
from django.db.models import F, Q
from django.utils import timezone
from rq.serializers import JSONSerializer

from cases import jobs
from cases.lifecycle import FINISHED, RequestStatus
from cases.models import Case, ProcessorRequest, RequestGroup
from cases.services.dispatch import cancellation, dispatch, leases, retrying
from cases.services.planning import erasure_hold
from cases.services.processors import accounts, pausing
from cases.services.refusal import Refused, Superseded
from cases.services.reports import callbacks, failures, payloads, reconciling
from cases.services.results import fetching as result_fetching
from dsrportal.models import DataKey
from dsrportal.queueing import PortalJob, store
from integrations.connector import Connector
from integrations.errors import IntegrationError, NotSent, RateLimited, UnknownRequest
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import Report
from tests import builders, pristine
from tests.integrations.sandbox.receiver import Received, Receiver
from tests.sandbox import Sandbox

MINUTE, DAY = 60, 24 * 3600
# Wider than anything done here, and too narrow for it.
AMPLE = "1000000 calls in 60 s\n1000000 new requests in 8 h"
SCARCE = "1 calls in 24 h\n1 new requests in 24 h"


@dataclass(slots=True)
class Worker:
    """Someone who has claimed a request: with `answer`, has spoken to the processor and recorded nothing yet."""

    request: ProcessorRequest
    answer: Report | IntegrationError | None = None


class Life:
    """A portal as the migrations left it, with one processor: the sandbox's first workspace, at its beginning."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver, **switches: Any) -> None:
        connections.close_all()
        pristine.restore(connection.settings_dict["NAME"])
        DataKey.forget_shared()
        store().flushdb()
        sandbox.reset()
        sandbox.switches(**switches)
        receiver.received.clear()
        self.sandbox = sandbox
        self.pile: list[Received] = receiver.received
        self.workers: list[Worker] = []
        self.cases: list[Case] = []
        self.processor = builders.processor(sandbox, limits=AMPLE)
        self._good = {"credentials": self.processor.credentials, "base_url": self.processor.base_url}
        self.agent, self.approver = builders.actor("agnes"), builders.actor("pia")
        self._fetch_certificate()

    def _fetch_certificate(self) -> None:
        """The certificate is fetched with the first callback; here before anything is set up wrongly."""
        self.sandbox.callback(settings.PORTAL_BASE_URL + self.processor.callback_path, {})
        first = self.pile.pop()
        connector_for(self.processor).verify_callback(first.headers, first.body)

    # What people do.

    def approve(self, type: str, addresses: Sequence[str], *, skip_waiting_period: bool = False) -> Case:
        case = builders.approved_case(
            type=type,
            identities=[("email", address) for address in addresses],
            skip_waiting_period=skip_waiting_period,
            # Each a day later than the one before, so that the order in which they leave is not left to chance.
            received_at=timezone.now() - timedelta(days=20 - len(self.cases)),
        )
        self.cases.append(case)
        return case

    def cancel(self, case: Case) -> None:
        with suppress(Refused):
            cancellation.cancel(case, actor=self.agent)

    def retry(self, case: Case) -> None:
        with suppress(Refused):
            retrying.retry(case, actor=self.agent)

    def release(self, case: Case) -> None:
        """Of an erasure that waits for an access case of the same person."""
        with suppress(Refused):
            erasure_hold.release(case, actor=self.agent, reason="person_insists")

    def person_asks(self, case: Case) -> None:
        with suppress(Refused):
            reconciling.ask_for_refresh(case, actor=self.agent)
        run_woken()

    def goes_wrong(self, what: str) -> None:
        """A wrong key is refused with 401 and pauses the processor; an address without TLS refuses each request."""
        if what == "credentials":
            self._set_up(credentials={**self._good["credentials"], "workspace_secret": "wrong"})
        elif what == "address":
            self._set_up(base_url=self._good["base_url"].replace("https://", "http://"))
        elif what == "budget":
            self._set_up(limits=SCARCE)
        elif what == "one paused":
            accounts.pause(self.processor, actor=self.agent, reason="maintenance")
        elif what == "all paused":
            pausing.pause(actor=self.agent, reason="maintenance")
        else:
            store().flushdb()

    def put_right(self) -> None:
        self._set_up(**self._good, limits=AMPLE)
        with suppress(Superseded):
            accounts.resume(self.processor, actor=self.agent)
        with suppress(Superseded):
            pausing.resume(actor=self.agent)

    def _set_up(self, **fields: Any) -> None:
        processor = Processor.objects.get(pk=self.processor.pk)
        for name, value in fields.items():
            setattr(processor, name, value)
        processor.save(update_fields=fields)
        self._forget_waits()

    def _forget_waits(self) -> None:
        """What the budget remembers is over: of a limit that is no more, or of a time that has passed."""
        keys: Any = store().keys("*budget*")
        if keys:
            store().delete(*keys)

    # What lanes and the schedule do.

    def sending(self) -> Processor | None:
        return Processor.objects.sending().select_related("data_key").filter(pk=self.processor.pk).first()

    def lane_works(self) -> None:
        jobs.drain(str(self.processor.pk), 0)

    def lane_claims(self) -> list[Worker]:
        """A lane claims and is then held up: what follows is up to its workers."""
        processor = self.sending()
        claimed = [Worker(request) for request in leases.claim(processor)] if processor else []
        self.workers += claimed
        return claimed

    def worker_speaks(self, worker: Worker) -> None:
        """The call is made, and its answer known to nobody else yet."""
        try:
            leases.renew(worker.request)
            worker.answer = _ask(connector_for(worker.request.processor), worker.request)
        except IntegrationError as error:
            worker.answer = error
        except Superseded:
            self.workers.remove(worker)

    def worker_goes_on(self, worker: Worker) -> None:
        """It records the answer it has had all the while; one that had not spoken yet does all its work now."""
        self.workers.remove(worker)
        answer = worker.answer
        if answer is None:
            with suppress(RateLimited, NotSent):
                dispatch.act(connector_for(worker.request.processor), worker.request)
        elif isinstance(answer, Report):
            dispatch.record(worker.request, answer)
        elif isinstance(answer, RateLimited) and answer.scope == "portal":
            leases.give_back([worker.request])
        else:
            failures.record(worker.request, answer)

    def worker_gives_back(self, worker: Worker) -> None:
        """As a lane does with what it did not come to."""
        self.workers.remove(worker)
        if worker.answer is None:
            leases.give_back([worker.request])

    def sweep(self) -> None:
        jobs.sweep()
        run_woken()

    def reports(self) -> None:
        """As if nothing had been heard of anything, nor asked, for a day."""
        day = timedelta(days=1)
        ProcessorRequest.objects.filter(reported_at__isnull=False).update(reported_at=F("reported_at") - day)
        RequestGroup.objects.filter(asked_at__isnull=False).update(asked_at=F("asked_at") - day)
        jobs.reports()
        run_woken()

    def time_passes(self) -> None:
        """An hour of ours: waits are over, and so are leases, for those who hold them as well."""
        now, hour = timezone.now(), timedelta(hours=1)
        ProcessorRequest.objects.filter(next_attempt_at__gt=now).update(next_attempt_at=now)
        ProcessorRequest.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - hour)
        for worker in self.workers:
            assert worker.request.lease_until is not None
            worker.request.lease_until -= hour
        self._forget_waits()

    # What the vendor does.

    def deliver(self, position: int, *, again: bool = False) -> None:
        """One of the callbacks not delivered yet comes in, in the bytes that were signed."""
        received = self.pile[position]
        token = received.path.rstrip("/").rpartition("/")[2]
        status = callbacks.receive(
            token=token, headers=received.headers, body=received.body, address="127.0.0.1"
        )
        assert status == 202
        if not again:
            self.pile.remove(received)

    # The end.

    def comes_to_rest(self) -> None:
        """All faults mended, the vendor done with everything, and the portal given time: the callbacks stay lost."""
        self.sandbox.clear_faults()
        self.sandbox.switches(result_seconds=365 * DAY)
        self.put_right()
        for _ in range(6 + 2 * len(self.cases)):
            self.time_passes()
            self.reports()
            self.sweep()
            if self.at_rest():
                return
            for case in self.cases:
                self.retry(case)
                self.release(case)
            self.sandbox.advance(15 * DAY)
        raise AssertionError(f"Not at rest: {[*self.unfinished().values_list('status', 'last_error')]}")

    def at_rest(self) -> bool:
        return not self.unfinished().exists()

    def unfinished(self) -> Any:
        """What is not finished, or is but for its result, or is still held by a lease."""
        return ProcessorRequest.objects.filter(
            ~Q(status__in=FINISHED)
            | Q(lease_token__isnull=False)
            | Q(pk__in=result_fetching.waiting().values("pk"))
        )


def _ask(connector: Connector, request: ProcessorRequest) -> Report:
    """What a worker does before it can record: the same calls in the same order as a lane's."""
    if request.cancel_requested_at is not None and request.status == RequestStatus.PENDING:
        connector.cancel(request.pk)
        return connector.report(payloads.inquiry(request))
    if request.earlier_attempt_unknown:
        with suppress(UnknownRequest):
            return connector.report(payloads.inquiry(request))
    return connector.submit(payloads.submission(request))


def run_woken(*, most: int = 100) -> None:
    """What workers would do with the jobs that wait: here and now, one after the other, errors and all."""
    for name in settings.RQ_QUEUES:
        queue = django_rq.get_queue(name, connection=store())
        for _ in range(most):
            if not (waiting := queue.job_ids):
                break
            job = PortalJob.fetch(waiting[0], connection=store(), serializer=JSONSerializer)
            queue.remove(job)
            job.perform()
            job.delete()
        else:
            raise AssertionError(f"The queue {name} does not come to an end.")
