"""The main job over real HTTP: from the admin's form to mParticle and back by signed callbacks, to the end."""

import pytest

from cases.lifecycle import CaseStatus, Outcome
from cases.models import AuditEvent, CallbackDelivery, Case, ProcessorRequest, Verdict
from cases.services import audit
from tests.builders import processor
from tests.desk import Desk
from tests.journeys.steps import opened, verb
from tests.live import LivePortal
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

QUARTER_HOUR = 900
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def workspace(portal: LivePortal, sandbox: Sandbox) -> None:
    """The one processor."""
    processor(sandbox)


def trail(case: Case) -> list[tuple[str, str, str]]:
    """What the audit trail says: action, to which status, who. Searches come by jobs of their own, at any place."""
    return [
        (event.action, event.details.get("to", ""), event.actor_label or event.source)
        for event in AuditEvent.objects.filter(case=case).order_by("sequence")
        if event.action != "profile.searched"
    ]


def test_an_erasure_goes_out_and_comes_back_signed(portal: LivePortal, sandbox: Sandbox) -> None:
    sandbox.switches(chunked=True, partners=[{"domain": "braze.com", "name": "Braze", "status": "sent"}])
    agnes, pia = Desk(portal.url, "agnes"), Desk(portal.url, "pia")

    case = opened(agnes, type="erasure")
    verb(agnes, case, "verify", method="signed_in")
    verb(pia, case, "approve")
    portal.work()
    request = ProcessorRequest.objects.get()
    assert sandbox.state()["posts"] == {str(request.pk): 1}

    for seconds in (QUARTER_HOUR, 8 * DAY, 8 * DAY):
        deliveries = sandbox.advance(seconds)
        assert {delivery["status"] for delivery in deliveries} == {202}
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    verb(agnes, case, "close", outcome="fulfilled")
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.FULFILLED)

    assert trail(case) == [
        ("case.opened", "", "agnes"),
        ("case.clock_started", "", "agnes"),
        ("case.verified", "ready", "agnes"),
        ("case.planned", "", "agnes"),
        ("case.approved", "working", "pia"),
        ("request.status_changed", "queued", "pia"),
        ("request.status_changed", "pending", "report"),
        ("forwarding.changed", "pending", "callback"),
        ("request.status_changed", "in_progress", "callback"),
        ("forwarding.changed", "sent", "callback"),
        ("request.status_changed", "completed", "callback"),
        ("case.status_changed", "review", "callback"),
        ("case.closed", "closed", "agnes"),
    ]
    assert audit.verify(f"case:{case.pk}") == []
    assert audit.verify("portal") == []
    assert set(CallbackDelivery.objects.values_list("verdict", flat=True)) <= {
        Verdict.APPLIED,
        Verdict.NOTHING_NEW,
    }
    assert {event.address for event in AuditEvent.objects.filter(case=case, source="admin")} == {"127.0.0.1"}


def test_an_access_case_brings_its_package(portal: LivePortal, sandbox: Sandbox) -> None:
    agnes, pia = Desk(portal.url, "agnes"), Desk(portal.url, "pia")
    case = opened(agnes, type="access", regulation="ccpa")
    verb(agnes, case, "verify", method="signed_in")
    verb(pia, case, "approve")
    portal.work()
    sandbox.advance(3 * DAY)
    portal.work()
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    package = ProcessorRequest.objects.get().result_package
    answer = agnes.post(f"/admin/cases/case/{case.pk}/download/{package.pk}/")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert len(answer.content) == package.size_bytes
    verb(agnes, case, "close", outcome="fulfilled")
    assert case.outcome == Outcome.FULFILLED


def test_two_addresses_are_two_requests_and_the_form_says_so(portal: LivePortal, sandbox: Sandbox) -> None:
    agnes, pia = Desk(portal.url, "agnes"), Desk(portal.url, "pia")
    case = opened(
        agnes, type="erasure", **{"identities-1-type": "email", "identities-1-value": "ada@example.com"}
    )
    verb(agnes, case, "verify", method="signed_in")
    verb(pia, case, "approve")
    portal.work()
    assert len(sandbox.state()["requests"]) == 2
    sandbox.advance(15 * DAY)
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


def test_a_person_found_by_search_is_not_in_the_address(portal: LivePortal, sandbox: Sandbox) -> None:
    agnes = Desk(portal.url, "agnes")
    case = opened(agnes, type="erasure")
    page = agnes.get("/admin/cases/case/")
    token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
    answer = agnes.session.post(
        portal.url + "/admin/cases/case/search/",
        data={"csrfmiddlewaretoken": token, "sought": "ada.lovelace@example.org"},
        headers={"Referer": page.url},
        timeout=30,
    )
    assert case.reference in answer.text
    assert "lovelace" not in answer.url.lower()
    assert AuditEvent.objects.filter(action="identity.searched").count() == 1
