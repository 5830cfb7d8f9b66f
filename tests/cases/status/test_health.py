"""What probes are told: that the process answers whatever else is gone, and what of the rest works, without a name."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import django_rq
import pytest
import requests
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import CallbackDelivery, ProcessorRequest
from cases.services.dispatch import waits
from cases.services.processors import accounts, pausing
from cases.services.status import health
from dsrportal import queueing, scheduler
from dsrportal.models import DataKey
from dsrportal.worker import PortalWorker
from integrations.models import Processor, SigningCertificate
from tests.builders import actor, approved_case, person, processor
from tests.live import free_port, live_portal

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = list(settings.RQ_QUEUES)
READY = {
    "database": {"ok": True, "migrations_missing": 0},
    "queue_store": {"ok": True},
    "workers": {"ok": True, **dict.fromkeys(QUEUES, 1)},
    "schedule": {"ok": True, "seconds": 0},
    "oldest_queued_seconds": {"ok": True, "seconds": 0},
    "callbacks_silent": {"ok": True, "processors": 0},
}


@pytest.fixture(autouse=True)
def _looked_anew() -> None:
    health.forget()


@contextmanager
def worker(queue: str) -> Iterator[PortalWorker]:
    found = django_rq.get_queue(queue, connection=queueing.store())
    alive = PortalWorker([found], connection=queueing.store())
    alive.register_birth()
    try:
        yield alive
    finally:
        alive.register_death()


@pytest.fixture
def running() -> Iterator[dict[str, PortalWorker]]:
    """A worker for each queue, and a schedule that has just ticked."""
    scheduler.Timetable().tick()
    with ExitStack() as stack:
        yield {name: stack.enter_context(worker(name)) for name in QUEUES}


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections and never says a word, as a stopped server's does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(32)
        yield listener.getsockname()[1]


def readyz() -> tuple[int, dict[str, Any]]:
    health.forget()
    answer = Client().get("/readyz")
    found: dict[str, Any] = answer.json()
    return answer.status_code, found


def late(name: str) -> dict[str, Any]:
    status, found = readyz()
    assert (status, found["status"]) == (200, "late")
    assert [other for other, check in found["checks"].items() if not check["ok"]] == [name]
    check: dict[str, Any] = found["checks"][name]
    return check


def failing(*names: str) -> dict[str, Any]:
    status, found = readyz()
    assert (status, found["status"]) == (503, "failing")
    assert {name for name, check in found["checks"].items() if not check["ok"]} == set(names)
    checks: dict[str, Any] = found["checks"]
    return checks


# --- what a probe is answered


def test_the_process_says_that_it_is_there_without_asking_anybody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_all_is_well(running: dict[str, PortalWorker]) -> None:
    assert readyz() == (200, {"status": "ok", "checks": READY})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_needs_no_known_host_and_leaves_nothing_behind(
    path: str, running: dict[str, PortalWorker]
) -> None:
    client = Client(HTTP_HOST="10.0.0.7:8000")
    client.force_login(person("agnes"))
    answer = client.get(path, HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert client.head(path).status_code == 200
    for refused in (client.post(path), client.delete(path)):
        assert refused.status_code == 405


def test_however_often_it_is_asked_the_portal_looks_once_in_a_while(running: dict[str, PortalWorker]) -> None:
    first = health.recent()
    assert health.recent() is first
    health.forget()
    assert health.recent() is not first


def test_while_one_look_waits_for_a_dead_server_others_are_told_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = health.recent()
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0.0)
    with monkeypatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        found: list[health.Health] = []
        waiting = Thread(target=lambda: found.append(health.recent()))
        waiting.start()
        taken, _address = listener.accept()  # the look has reached the server, which says nothing
        assert health.recent() is known
        taken.close()
        waiting.join()
    assert found[0] is not known


# --- what fails


def test_without_workers_and_schedule_the_portal_is_not_ready() -> None:
    checks = failing("workers", "schedule")
    assert checks["workers"] == {"ok": False, **dict.fromkeys(QUEUES, 0)}
    assert checks["schedule"] == {"ok": False, "seconds": None}


def test_a_queue_without_a_worker_is_named() -> None:
    scheduler.Timetable().tick()
    with worker("default"):
        alive = {**dict.fromkeys(QUEUES, 0), "default": 1}
        assert failing("workers")["workers"] == {"ok": False, **alive}


def test_a_worker_without_a_heartbeat_is_not_alive(running: dict[str, PortalWorker]) -> None:
    long_ago = timezone.now() - timedelta(seconds=health.WORKER_ALIVE_SECONDS + 5)
    queueing.store().hset(
        running["outgoing"].key, "last_heartbeat", long_ago.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    )
    assert failing("workers")["workers"]["outgoing"] == 0


def test_a_schedule_that_stopped_beating_fails(running: dict[str, PortalWorker]) -> None:
    beat = timezone.now().timestamp() - health.SCHEDULE_LATE_SECONDS - 10
    queueing.store().set(scheduler.HEARTBEAT, int(beat))
    assert failing("schedule")["schedule"]["seconds"] >= health.SCHEDULE_LATE_SECONDS + 10


def test_a_migration_that_is_missing_fails(running: dict[str, PortalWorker], owner_connection: Any) -> None:
    rename = "UPDATE django_migrations SET name = %s WHERE app = 'cases' AND name = %s"
    name = "0001_initial"
    owner_connection.execute(rename, ["not_" + name, name])
    try:
        checks = failing("database", "oldest_queued_seconds", "callbacks_silent")
    finally:  # this table is not among those that are put back after each test
        owner_connection.execute(rename, [name, "not_" + name])
    assert checks["database"] == {"ok": False, "migrations_missing": 1}


@pytest.mark.parametrize("how", ["closed", "mute"])
def test_a_database_that_is_gone_fails_and_keeps_nobody_waiting(
    running: dict[str, PortalWorker], monkeypatch: pytest.MonkeyPatch, mute: int, how: str
) -> None:
    place = connections.settings["default"]
    monkeypatch.setitem(place, "HOST", "127.0.0.1")
    monkeypatch.setitem(place, "PORT", str(mute if how == "mute" else free_port()))
    checks = failing("database", "oldest_queued_seconds", "callbacks_silent")
    assert checks["database"] == {"ok": False, "migrations_missing": None}
    assert checks["oldest_queued_seconds"]["seconds"] is None


@pytest.mark.parametrize("how", ["closed", "mute"])
def test_a_store_that_is_gone_fails_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, mute: int, how: str
) -> None:
    port = mute if how == "mute" else free_port()
    with monkeypatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{port}/0")
        checks = failing("queue_store", "workers", "schedule")
    assert checks["workers"] == {"ok": False, **dict.fromkeys(QUEUES)}
    assert checks["database"]["ok"]


def test_a_portal_without_database_and_store_answers_probes_and_says_nothing_of_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = free_port()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://portal:tops3cret@127.0.0.1:{gone}/portal")
    monkeypatch.setenv("REDIS_URL", f"redis://:tops3cret@127.0.0.1:{gone}/0")
    with live_portal(tmp_path / "logs") as portal:
        alive = requests.get(portal.url + "/healthz", timeout=30)
        ready = requests.get(portal.url + "/readyz", timeout=30)
        head = requests.head(portal.url + "/readyz", timeout=30)
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert ready.status_code == head.status_code == 503
    assert not ready.cookies
    assert not any(check["ok"] for check in ready.json()["checks"].values())
    for secret in ("tops3cret", str(gone), "127.0.0.1", "Error", "refused"):
        assert secret not in ready.text
    assert "tops3cret" not in portal.log("web")


# --- what is late


def queued(**fields: Any) -> None:
    """A case with its requests, each as it is told to stand."""
    case = approved_case(identities=[("email", f"{uuid4().hex}@example.org")])
    ProcessorRequest.objects.filter(case=case).update(**fields)


def ago(**length: float) -> datetime:
    return timezone.now() - timedelta(**length)


def test_a_request_that_waits_too_long_is_late(running: dict[str, PortalWorker]) -> None:
    processor()
    queued(queued_at=ago(seconds=health.QUEUED_LATE_SECONDS - 60))
    assert readyz()[1]["status"] == "ok"
    queued(queued_at=ago(hours=2))
    assert late("oldest_queued_seconds")["seconds"] in range(7200, 7320)


@pytest.mark.parametrize(
    "fields",
    [
        {"lease_until": timedelta(seconds=30), "lease_token": uuid4()},
        {"next_attempt_at": timedelta(minutes=5)},
        {"next_attempt_at": timedelta(seconds=-5)},
    ],
    ids=["worked on", "to be tried later", "due just now"],
)
def test_what_is_worked_on_or_not_due_for_long_is_not_late(
    running: dict[str, PortalWorker], fields: dict[str, Any]
) -> None:
    processor()
    now = timezone.now()
    times = {name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    queued(queued_at=ago(hours=2), **times)
    assert readyz()[1]["status"] == "ok"


@pytest.mark.parametrize("what", ["processor", "everything"])
def test_what_is_paused_is_not_late(running: dict[str, PortalWorker], what: str) -> None:
    shop = processor()
    queued(queued_at=ago(hours=2))
    if what == "processor":
        accounts.pause(shop, actor=actor("ivy"), reason="maintenance")
    else:
        pausing.pause(actor=actor("ivy"), reason="maintenance")
    assert readyz()[1]["status"] == "ok"


def delivery(at: datetime, shop: Processor) -> None:
    certificate, _ = SigningCertificate.objects.get_or_create(
        sha256="c" * 64, defaults={"domain": "x", "not_before": at, "not_after": at}
    )
    CallbackDelivery.objects.create(
        data_key=DataKey.shared(DataKey.Purpose.EVIDENCE),
        processor=shop,
        certificate=certificate,
        received_at=at,
        body=b"{}",
        body_sha256=uuid4().hex,
    )


def sent(at: datetime, status: str = RequestStatus.PENDING) -> None:
    queued(status=status, sent_at=at)


def test_a_processor_that_never_called_back_is_silent_after_half_an_hour(
    running: dict[str, PortalWorker],
) -> None:
    processor()
    sent(ago(minutes=29))
    assert readyz()[1]["status"] == "ok"
    sent(ago(minutes=31))
    assert late("callbacks_silent")["processors"] == 1


def test_a_callback_since_ends_the_silence_and_one_before_does_not(running: dict[str, PortalWorker]) -> None:
    shop, app = processor(name="Shop"), processor(name="App", account="9")
    sent(ago(minutes=40))
    delivery(ago(minutes=10), app)
    delivery(ago(minutes=50), shop)
    assert late("callbacks_silent")["processors"] == 1
    delivery(ago(minutes=30), shop)
    assert readyz()[1]["status"] == "ok"


def test_a_callback_that_overtook_the_answer_to_our_own_call_is_a_callback(
    running: dict[str, PortalWorker],
) -> None:
    shop = processor()
    sent(ago(minutes=40))
    delivery(ago(minutes=40, seconds=1), shop)
    assert readyz()[1]["status"] == "ok"


def test_of_what_is_finished_no_callback_is_awaited(running: dict[str, PortalWorker]) -> None:
    processor()
    sent(ago(days=1), RequestStatus.CANCELLED)
    assert readyz()[1]["status"] == "ok"


def test_each_processor_has_a_line(running: dict[str, PortalWorker]) -> None:
    shop, app = processor(name="Shop"), processor(name="App", account="9")
    queued(queued_at=ago(minutes=5))
    accounts.pause(app, actor=actor("ivy"), reason="maintenance")
    delivery(ago(minutes=10), shop)
    ProcessorRequest.objects.filter(processor=app).update(
        status=RequestStatus.PENDING, sent_at=ago(hours=1), reported_at=ago(minutes=1)
    )
    first, second = waits.lines(now=timezone.now(), after=timedelta(minutes=30))
    assert (first.name, first.sending, first.queued, first.oldest_queued_seconds) == ("App", False, 0, None)
    assert (first.last_callback_at, first.callbacks_silent) == (None, True)
    assert first.last_word_at is not None
    assert (second.name, second.sending, second.queued) == ("Shop", True, 1)
    assert second.oldest_queued_seconds in range(300, 420)
    assert second.last_callback_at is not None
    assert not second.callbacks_silent
