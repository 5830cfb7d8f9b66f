"""After searches, opt-outs, corrections, results and erasures at every system, the person lies open nowhere."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from cases.lifecycle import Answer
from cases.models import Case, ProfileSearch, ResultPackage
from tests.builders import leanplum, manual, processor
from tests.desk import Desk
from tests.journeys import leaks
from tests.journeys.steps import approved, opened, verb
from tests.live import LivePortal
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600
EMAIL, NEW = "Zoë.Quillfeather@Müsli-Café.Example", "zoe.marrowbone@müsli-café.example"
CUSTOMER = "Kündin Ω/7305-xq"
SECRET = "Hexenkessel-Geheimnis"
WHO = {
    "identities-0-type": "email",
    "identities-0-value": EMAIL,
    "identities-1-type": "controller_customer_id",
    "identities-1-value": CUSTOMER,
}


@pytest.fixture
def listener() -> Iterator[leaks.Listener]:
    root = logging.getLogger()
    formatter = next((handler.formatter for handler in root.handlers if handler.formatter), None)
    listening = leaks.Listener(formatter)
    root.addHandler(listening)
    yield listening
    root.removeHandler(listening)


def test_no_call_to_any_system_leaves_the_person_open_anywhere(
    portal: LivePortal, sandbox: Sandbox, listener: leaks.Listener
) -> None:
    workspace, app = processor(sandbox), leanplum(sandbox, attributes="email = mail", opt_out_attribute="out")
    manual(types="access")
    known = {"email": EMAIL, "controller_customer_id": CUSTOMER}
    mpid = sandbox.person(identities=known, attributes={"note": SECRET})
    sandbox.person(
        identities={"controller_customer_id": CUSTOMER}, app=0, attributes={"mail": EMAIL, "note": SECRET}
    )
    agnes, pia = Desk(portal.url, "agnes"), Desk(portal.url, "pia")

    # Each is refused once in a way that makes something to say.
    sandbox.faults(
        [{"path": path, "fault": "malformed"} for path in ("/identity/v1/search", "/leanplum/api")]
    )
    opt_out = opened(agnes, type="opt_out", regulation="ccpa", **WHO)
    portal.work()
    correction = opened(agnes, type="correction", **WHO, **{"identities-0-correct_to": NEW})
    verb(agnes, correction, "verify", method="signed_in")
    verb(agnes, correction, "search")
    verb(pia, correction, "approve")
    portal.work()
    access = approved(agnes, pia, type="access", **WHO)
    portal.work()
    sandbox.advance(3 * DAY)
    portal.work()
    looked_into(agnes, access)
    erasure = approved(agnes, pia, type="erasure", **WHO)
    verb(pia, erasure, "release", reason="person_insists")
    portal.work()
    sandbox.advance(22 * DAY)
    portal.work()

    # They were here.
    assert Answer.ACCEPTED in opt_out.requests.values_list("answer", flat=True)
    assert mpid in {search.profile_id for search in ProfileSearch.objects.filter(processor=workspace)}
    assert ResultPackage.objects.filter(processor_request__processor=app, state="fetched").exists()
    wanted = [("email", EMAIL), ("email", NEW), ("controller_customer_id", CUSTOMER), ("mpid", mpid)]
    wanted += [("other", SECRET), ("other", "quillfeather"), ("other", "marrowbone"), ("other", "7305-xq")]
    assert leaks.found(wanted, everything(listener, portal.log_dir)) == []


def looked_into(desk: Desk, case: Case) -> None:
    for package in ResultPackage.objects.filter(processor_request__case=case, state="fetched"):
        field = (
            "user_attributes.note" if package.processor_request.processor.kind == "mparticle" else "devices"
        )
        assert SECRET in desk.post(f"/admin/cases/case/{case.pk}/look/{package.pk}/").text
        desk.post(f"/admin/cases/case/{case.pk}/redact/{package.pk}/", names=field, reason="rights_of_others")


def everything(listener: leaks.Listener, logs: Path) -> Iterator[leaks.Piece]:
    yield from leaks.database(connection.settings_dict["NAME"])
    yield from leaks.queue()
    yield from leaks.files(logs, place="log")
    yield from listener.pieces()
    yield from leaks.files(settings.DATA_DIR / "packages", place="package")
