"""After a journey nobody's identity lies open anywhere; one that is put there on purpose is found."""

import base64
import json
import logging
import os
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone
from psycopg import sql

from cases.lifecycle import CaseStatus
from cases.models import AttentionItem, AttentionKind, CallbackDelivery, Case, Note, ResultPackage
from cases.services.results import packages
from cases.services.upkeep import sweeping
from dsrportal import queueing
from dsrportal.sentence import Verbatim
from tests.builders import actor, person, processor
from tests.desk import Desk
from tests.journeys import leaks
from tests.live import LivePortal, live_portal
from tests.sandbox import Sandbox, running_sandbox
from tests.servers import DATA_DIR, superuser

pytestmark = pytest.mark.django_db(transaction=True)

QUARTER_HOUR = 900
DAY = 24 * 3600

EMAIL = "Zoë.Quillfeather+Dsr@Müsli-Café.Example"
PHONE = "+49 (0)151 2794-36158"
CUSTOMER = "Kündin Ω/7305-xq"
IDENTITIES = [("email", EMAIL), ("mobile_number", PHONE), ("controller_customer_id", CUSTOMER)]
# Enough of each to know the person by.
FRAGMENTS = [("other", "quillfeather"), ("other", "2794-36158"), ("other", "7305-xq")]


@pytest.fixture
def listener() -> Iterator[leaks.Listener]:
    root = logging.getLogger()
    listening = leaks.Listener(
        next((handler.formatter for handler in root.handlers if handler.formatter), None)
    )
    root.addHandler(listening)
    yield listening
    root.removeHandler(listening)


def all_pieces(listener: leaks.Listener, logs: Path) -> Iterator[leaks.Piece]:
    yield from leaks.database(connection.settings_dict["NAME"])
    yield from leaks.queue()
    yield from leaks.files(logs, place="log")
    yield from leaks.files(Path(os.environ[DATA_DIR]), place="server log", pattern="*.log")
    yield from listener.pieces()
    for directory in ("packages", "files"):
        yield from leaks.files(settings.DATA_DIR / directory, place="package")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def portal(transactional_db: None, sandbox: Sandbox, tmp_path: Path) -> Iterator[LivePortal]:
    for name, role in (("agnes", "agent"), ("pia", "approver")):
        person(name).groups.add(Group.objects.get(name=role))
    processor(sandbox)
    with live_portal(tmp_path / "logs") as running:
        yield running


def opened(desk: Desk, **fields: object) -> Case:
    asked = {"received_at": f"{timezone.now():%Y-%m-%dT%H:%M}", "regulation": "gdpr", **fields}
    for number, (kind, value) in enumerate(IDENTITIES):
        asked |= {f"identities-{number}-type": kind, f"identities-{number}-value": value}
    answer = desk.post("/admin/cases/case/add/", **asked)
    assert answer.url.endswith("/change/"), "the case was not opened"
    return Case.objects.latest("pk")


def verb(desk: Desk, case: Case, name: str, **fields: object) -> None:
    assert desk.post(f"/admin/cases/case/{case.pk}/{name}/", **fields).status_code == 200
    case.refresh_from_db()


def sought(desk: Desk, value: str) -> str:
    page = desk.get("/admin/cases/case/")
    token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
    fields = {"csrfmiddlewaretoken": token, "sought": value}
    answer = desk.session.post(
        desk.base_url + "/admin/cases/case/search/", data=fields, headers={"Referer": page.url}, timeout=30
    )
    return answer.text


def play(portal: LivePortal, sandbox: Sandbox) -> list[Case]:
    """An erasure and an access case from the form to the end, with mishaps on the way that make things log."""
    partner = {
        "domain": "braze.com",
        "name": "Braze",
        "status": "skipped",
        "status_message": f"no user {EMAIL}",
    }
    sandbox.switches(partners=[partner])
    agnes, pia = Desk(portal.url, "agnes"), Desk(portal.url, "pia")
    desk_refuses(agnes)
    played = [opened(agnes, type="erasure"), opened(agnes, type="access")]
    for case in played:
        verb(agnes, case, "verify", method="signed_in", text=f"{EMAIL} called from {PHONE}")
        verb(pia, case, "approve")
        assert case.status == CaseStatus.WORKING
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "malformed", "process": True}])
    portal.work()
    sandbox.advance(QUARTER_HOUR)
    sandbox.advance(3 * DAY)
    portal.work()
    sandbox.advance(12 * DAY)
    sweeping.sweep()
    for case in played:
        verb(agnes, case, "reveal", reason="answer_person", text=f"for {CUSTOMER}")
        verb(agnes, case, "close", outcome="fulfilled", text=f"Told {EMAIL}.")
    assert played[0].reference in sought(agnes, EMAIL.upper())
    assert played[0].reference not in sought(agnes, "nobody@quillfeather.example")
    agnes.get(f"/nowhere/{EMAIL}?phone={PHONE}")
    return played


def desk_refuses(desk: Desk) -> None:
    """A form with a mistake in it comes back filled in; nothing of it may stay behind."""
    asked = {"received_at": "2199-01-01T00:00", "type": "erasure", "regulation": "gdpr"}
    asked |= {"identities-0-type": "email", "identities-0-value": EMAIL}
    assert desk.post("/admin/cases/case/add/", **asked).url.endswith("/add/")


def test_after_a_journey_no_identity_lies_open_anywhere(
    portal: LivePortal, sandbox: Sandbox, listener: leaks.Listener, tmp_path: Path
) -> None:
    played = play(portal, sandbox)
    assert [case.status for case in played] == [CaseStatus.CLOSED] * 2
    # They were here, and the portal itself can read them.
    assert {identity.value for identity in played[0].subject.identities.all()} == {it for _, it in IDENTITIES}
    assert any(EMAIL.encode() in kept.body for kept in CallbackDelivery.objects.all())
    assert any(EMAIL in note.text for note in Note.objects.all())
    package = b"".join(packages.download(ResultPackage.objects.get(), actor=actor("agnes")))
    assert leaks.found(IDENTITIES, [("package", package)])
    assert leaks.found(IDENTITIES, [("vendor", json.dumps(sandbox.state()).encode())])
    assert leaks.found([*IDENTITIES, *FRAGMENTS], all_pieces(listener, tmp_path / "logs")) == []


PLANTS: dict[str, Callable[[str, Path], None]] = {}
# Tests that run side by side share the directory of packages.
PLANTED_FILE = f"planted-{os.getpid()}.zip"


def plant(call: Callable[[str, Path], None]) -> Callable[[str, Path], None]:
    PLANTS[call.__name__.replace("_", " ")] = call
    return call


@plant
def in_a_sentence(text: str, _: Path) -> None:
    AttentionItem.objects.create(
        kind=AttentionKind.GONE, sentence=Verbatim(f"Ask {text} why."), opened_at=timezone.now()
    )


@plant
def in_bytes(text: str, _: Path) -> None:
    with superuser(connection.settings_dict["NAME"]) as owner:
        owner.execute(
            "INSERT INTO dsrportal_datakey (id, purpose, wrapped, master_key_id, created_at) VALUES "
            "(gen_random_uuid(), 'case', %s, 'k', now())",
            [b"\1\2" + text.encode()],
        )


@plant
def in_the_admins_own_log(text: str, _: Path) -> None:
    kind = ContentType.objects.get_for_model(Case)
    LogEntry.objects.create(
        user=person("otto"), content_type=kind, object_id="1", object_repr=text, action_flag=2
    )


@plant
def in_a_session(text: str, _: Path) -> None:
    session = SessionStore()
    session["sought"] = [text, "x" * 2000]  # long enough to be compressed
    session.save()


@plant
def in_a_table_nobody_thought_of(text: str, _: Path) -> None:
    with superuser(connection.settings_dict["NAME"]) as owner:
        owner.execute("CREATE SCHEMA elsewhere")
        owner.execute(sql.SQL("CREATE TABLE elsewhere.it AS SELECT {} AS held").format(sql.Literal([text])))


@plant
def in_a_job(text: str, _: Path) -> None:
    queueing.store().hset("rq:job:1", mapping={"data": zlib.compress(json.dumps([None, text]).encode())})


@plant
def in_a_key_of_the_queue(text: str, _: Path) -> None:
    queueing.store().set(f"portal:cache:1:{text}", 1)


@plant
def in_a_list_of_the_queue(text: str, _: Path) -> None:
    queueing.store().rpush("rq:queue:default", base64.b64encode(b"id " + text.encode()))


@plant
def in_the_log_of_the_web_server(text: str, directory: Path) -> None:
    (directory / "web.log").write_text(f"GET /admin/?q={text}\n")


@plant
def in_the_log_of_a_worker(text: str, directory: Path) -> None:
    (directory / "worker.log").write_text(f"Bad payload: {json.dumps({'value': text})}\n")


@plant
def in_the_log_of_this_process(text: str, _: Path) -> None:
    logging.getLogger("cases.services.intake.opening").warning("Opened for %s", text)


@plant
def in_a_package(text: str, _: Path) -> None:
    directory = settings.DATA_DIR / "packages"
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(directory / PLANTED_FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("profile.jsonl", json.dumps({"id": text}))


@pytest.fixture
def _cleared() -> Iterator[None]:
    yield
    (settings.DATA_DIR / "packages" / PLANTED_FILE).unlink(missing_ok=True)
    with superuser(connection.settings_dict["NAME"]) as owner:
        owner.execute("DROP SCHEMA IF EXISTS elsewhere CASCADE")


@pytest.mark.usefixtures("_cleared")
@pytest.mark.parametrize("place", PLANTS)
def test_an_identity_that_is_put_there_on_purpose_is_found(
    place: str, listener: leaks.Listener, tmp_path: Path
) -> None:
    planted = f"Planted.{uuid.uuid4().hex}@Mislaid.Example"
    assert leaks.found([("email", planted)], all_pieces(listener, tmp_path)) == []
    PLANTS[place](planted, tmp_path)
    assert leaks.found([("email", planted)], all_pieces(listener, tmp_path)) != []


@pytest.mark.parametrize("identity", IDENTITIES, ids=[kind for kind, _ in IDENTITIES])
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_every_form_of_an_identity_is_known(identity: tuple[str, str], before: str) -> None:
    kind, value = identity
    raw = before.encode() + value.encode() + b" and more"
    disguises = [
        raw,
        raw.decode().upper().encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        json.dumps(raw.decode()).encode(),
        repr(raw).encode(),
        raw.decode().encode("utf-16-le"),
        zlib.compress(raw),
    ]
    for disguise in disguises:
        assert leaks.found([identity], [("here", disguise)]), disguise[:20]
    assert not leaks.found([(kind, value[::-1])], [("here", raw)])
