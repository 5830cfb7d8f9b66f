"""Everything outgoing is paused as one: nothing is sent, word from outside still counts, and the trail says who."""

import json
from collections.abc import Iterator
from contextlib import suppress
from threading import Barrier, Thread
from uuid import uuid4

import django_rq
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import Action, AuditEvent, ProcessorRequest
from cases.models.audit.event import PORTAL_CHAIN
from cases.services import audit
from cases.services.dispatch import dispatch
from cases.services.processors import accounts, pausing
from cases.services.refusal import Superseded
from cases.services.upkeep import sweeping
from dsrportal.queueing import store
from integrations.models import Processor, SendingPause, SigningCertificate
from tests.builders import actor, approved_case, processor
from tests.cases.vendor import Vendor, signature
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__startswith="outgoing.").order_by("id"))


def woken() -> set[str]:
    queue = django_rq.get_queue("outgoing", connection=store())
    return {str(job.args[0]) for job in queue.jobs}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    opened = Vendor()
    yield opened
    opened.close()


def test_a_pause_and_its_end_are_in_the_portals_chain_with_the_reason() -> None:
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    pausing.resume(actor=actor("adam"))
    assert [(event.action, event.actor_label, event.reason, event.chain) for event in events()] == [
        (Action.OUTGOING_PAUSED, "ivy", "maintenance", PORTAL_CHAIN),
        (Action.OUTGOING_RESUMED, "adam", "maintenance", PORTAL_CHAIN),
    ]
    assert audit.verify(PORTAL_CHAIN) == []


def test_pausing_twice_and_resuming_what_runs_is_told_and_not_recorded() -> None:
    with pytest.raises(Superseded):
        pausing.resume(actor=actor("ivy"))
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    with pytest.raises(Superseded):
        pausing.pause(actor=actor("ivy"), reason="by_hand")
    assert SendingPause.objects.get().paused_reason == "maintenance"
    assert len(events()) == 1


def test_of_two_people_who_pause_at_once_one_does() -> None:
    people, together = [actor("ivy"), actor("adam")], Barrier(2)

    def pause(number: int) -> None:
        together.wait()
        with suppress(Superseded):
            pausing.pause(actor=people[number], reason="maintenance")
        connection.close()

    threads = [Thread(target=pause, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events()) == 1


def test_nothing_is_sent_while_everything_is_paused_and_all_of_it_afterwards(
    target: Processor, sandbox: Sandbox
) -> None:
    pausing.pause(actor=actor("ivy"), reason="investigation")
    approved_case()
    dispatch.drain(target.pk)
    assert sandbox.state()["posts"] == {}
    assert ProcessorRequest.objects.get().attempts == 0
    pausing.resume(actor=actor("ivy"))
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.PENDING
    assert len(sandbox.state()["posts"]) == 1


def test_the_sweep_wakes_nobody_while_everything_is_paused() -> None:
    processor()
    approved_case()
    store().flushdb()
    pausing.pause(actor=actor("ivy"), reason="investigation")
    sweeping.sweep()
    assert woken() == set()


def test_resuming_wakes_every_processor_but_those_paused_themselves() -> None:
    shop, app = processor(name="Shop"), processor(name="App", account="9")
    accounts.pause(app, actor=actor("ivy"), reason="maintenance")
    pausing.pause(actor=actor("ivy"), reason="investigation")
    assert not Processor.objects.sending().exists()
    pausing.resume(actor=actor("ivy"))
    assert woken() == {str(shop.pk)}
    assert list(Processor.objects.sending()) == [shop]


def test_a_callback_is_taken_while_paused_even_where_its_certificate_must_be_fetched_first(
    vendor: Vendor,
) -> None:
    domain = "fresh.vendor.example"
    leaf = vendor.authority.leaf(domain)
    shop = vendor.processor("fresh", leaf=leaf, processor_domain=domain)
    request = ProcessorRequest.objects.get(case=approved_case())
    ProcessorRequest.objects.filter(pk=request.pk).update(
        status=RequestStatus.PENDING, sent_at=timezone.now()
    )
    accounts.pause(shop, actor=actor("ivy"), reason="maintenance")
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    said = {
        "controller_id": shop.account,
        "subject_request_id": str(request.pk),
        "request_status": "in_progress",
    }
    body = json.dumps(said).encode()
    headers = {"x-opendsr-processor-domain": domain, "x-opendsr-signature": signature(body, leaf)}
    answer = Client().post(shop.callback_path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    assert SigningCertificate.objects.get().domain == domain
    assert ProcessorRequest.objects.get().status == RequestStatus.IN_PROGRESS


def test_a_connection_is_tested_while_everything_is_paused(sandbox: Sandbox) -> None:
    target = processor(sandbox)
    pausing.pause(actor=actor("ivy"), reason="investigation")
    checks = accounts.test_connection(target, actor=actor("ivy"))
    assert checks
    assert all(check.works for check in checks)
    assert pausing.is_paused()


def test_what_is_paused_is_told_in_one_query_the_whole_first() -> None:
    for name in ("Shop", "App", "Old"):
        paused = processor(name=name, account=uuid4().hex)
        if name != "Old":
            accounts.pause(paused, actor=actor("ivy"), reason="maintenance")
    pausing.pause(actor=actor("ivy"), reason="investigation")
    with CaptureQueriesContext(connection) as captured:
        found = pausing.pauses()
    assert len(captured) == 1
    assert [(pause.name, pause.reason) for pause in found] == [
        ("", "investigation"),
        ("App", "maintenance"),
        ("Shop", "maintenance"),
    ]
    assert found[1].since == Processor.objects.get(name="App").paused_at
