"""Cases across every system, over real HTTP: from the desk's forms to the sandbox and back, to an outcome."""

import io
import zipfile

import pytest
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus
from cases.models import (
    AttentionItem,
    AttentionKind,
    AuditEvent,
    Case,
    Finding,
    ForwardingExtension,
    ManualTask,
    ProcessorRequest,
    ProfileSearch,
)
from cases.services import audit
from cases.services.planning import erasure_hold
from dsrportal import queueing
from tests.builders import leanplum, manual, processor
from tests.desk import Desk
from tests.journeys.steps import approved, opened, verb
from tests.live import LivePortal
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600
EMAIL = "Ada.Lovelace@Example.org"
CUSTOMER = {"identities-1-type": "controller_customer_id", "identities-1-value": "C-1815"}


@pytest.fixture
def agnes(portal: LivePortal) -> Desk:
    return Desk(portal.url, "agnes")


@pytest.fixture
def pia(portal: LivePortal) -> Desk:
    return Desk(portal.url, "pia")


def answers(case: Case) -> dict[str, str]:
    return {
        request.processor.name: request.answer
        for request in case.requests.filter(replaced_by=None).select_related("processor")
    }


def checked(case: Case) -> None:
    """The proof holds, and nothing of the person is in it."""
    assert audit.verify(f"case:{case.pk}") == []
    trail = "".join(AuditEvent.objects.values_list("canonical", flat=True)).lower()
    assert "lovelace" not in trail
    assert "c-1815" not in trail


def test_an_erasure_across_all_systems_with_one_partner_failed(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    sandbox.switches(
        partners=[
            {"domain": "braze.com", "name": "Braze", "status": "sent"},
            {"domain": "kochava.com", "name": "Kochava", "status": "failed", "status_message": "no device"},
        ]
    )
    first, second = processor(sandbox), processor(sandbox, workspace=1)
    app, archive = leanplum(sandbox), manual(instructions="Look in the cellar.", types="erasure")
    for workspace in (0, 1):
        sandbox.person(identities={"email": EMAIL, "controller_customer_id": "C-1815"}, workspace=workspace)
    sandbox.person(identities={"controller_customer_id": "C-1815"}, app=0)

    case = approved(agnes, pia, type="erasure", **CUSTOMER)
    portal.work()
    assert {request.status for request in case.requests.filter(processor__in=[first, second])} == {
        RequestStatus.PENDING
    }
    assert not sandbox.people(app=app.account), "Leanplum has deleted the user"
    verb(agnes, case, f"attest/{ManualTask.objects.get().pk}", answer="done", text="Shredded.")
    sandbox.advance(DAY)
    sandbox.advance(15 * DAY)
    # What does not call back is asked.
    verb(agnes, case, "refresh")
    portal.work()
    case.refresh_from_db()
    assert answers(case) == {
        first.name: Answer.DONE,
        second.name: Answer.DONE,
        app.name: Answer.DONE,
        archive.name: Answer.DONE,
    }
    assert {(s.processor.name, s.finding) for s in ProfileSearch.objects.filter(purpose="confirmation")} == {
        (first.name, Finding.NOT_FOUND),
        (second.name, Finding.NOT_FOUND),
        (app.name, Finding.NOT_FOUND),
    }
    # One partner failed at each workspace: a human looks before the case can be closed, and not as fulfilled.
    assert case.status == CaseStatus.ATTENTION
    for item in AttentionItem.objects.filter(case=case, resolved_at=None):
        assert item.kind == AttentionKind.PARTNER_FAILED
        verb(agnes, case, f"resolve/{item.pk}")
    assert case.status == CaseStatus.REVIEW
    page = agnes.get(f"/admin/cases/case/{case.pk}/close/").text
    assert f"Kochava, reached through {first.name}: failed." in page
    refused = agnes.post(f"/admin/cases/case/{case.pk}/close/", outcome="fulfilled")
    assert "Choose a reason" in refused.text
    verb(agnes, case, "close", outcome="partly_fulfilled")
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.PARTLY_FULFILLED)
    checked(case)


def test_a_failed_partner_is_made_good_by_hand(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    sandbox.switches(partners=[{"domain": "kochava.com", "name": "Kochava", "status": "failed"}])
    processor(sandbox)
    case = approved(agnes, pia, type="erasure")
    portal.work()
    sandbox.advance(DAY)
    sandbox.advance(22 * DAY)
    partner = ForwardingExtension.objects.get()
    verb(agnes, case, f"by-hand/{partner.pk}")
    portal.work()
    verb(agnes, case, f"attest/{ManualTask.objects.get().pk}", answer="done", text="They confirmed by mail.")
    assert case.status == CaseStatus.REVIEW
    verb(agnes, case, "close", outcome="fulfilled")
    assert case.outcome == Outcome.FULFILLED
    checked(case)


def test_leanplum_knows_the_person_again_after_mparticle_has_finished(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    workspace, app = processor(sandbox), leanplum(sandbox)
    case = approved(agnes, pia, type="erasure", **CUSTOMER)
    portal.work()
    verb(agnes, case, "refresh")
    portal.work()
    assert answers(case)[app.name] in {Answer.DONE, Answer.NO_DATA_HELD}
    # mParticle goes on forwarding until it erases, and Leanplum makes the person anew.
    sandbox.person(identities={"controller_customer_id": "C-1815"}, app=0)
    sandbox.advance(22 * DAY)
    portal.work()
    assert answers(case)[workspace.name] == Answer.DONE
    if answers(case)[app.name] == Answer.DONE:
        item = AttentionItem.objects.get(case=case, resolved_at=None)
        assert item.kind == AttentionKind.REAPPEARED
        case.refresh_from_db()
        assert case.status == CaseStatus.ATTENTION
    checked(case)


def test_an_access_case_is_looked_into_and_downloaded_whole_and_redacted(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    processor(sandbox)
    sandbox.person(
        identities={"email": EMAIL},
        attributes={"plan": "premium", "sister": "Augusta"},
        events=[{"event_type": "custom_event", "month": "2025-11"}],
    )
    case = approved(agnes, pia, type="access")
    portal.work()
    sandbox.advance(3 * DAY)
    portal.work()
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    package = ProcessorRequest.objects.get().result_package
    inside = agnes.post(f"/admin/cases/case/{case.pk}/look/{package.pk}/").text
    assert "premium" in inside
    assert "2025-11" in inside or "Nov 2025" in inside
    whole = agnes.post(f"/admin/cases/case/{case.pk}/download/{package.pk}/")
    assert len(whole.content) == package.size_bytes
    assert b"Augusta" in _unpacked(whole.content)
    redacted = agnes.post(
        f"/admin/cases/case/{case.pk}/redact/{package.pk}/",
        names="user_attributes.sister",
        reason="rights_of_others",
        text="Her sister did not agree.",
    )
    assert b"Augusta" not in _unpacked(redacted.content)
    assert b"premium" in _unpacked(redacted.content)
    verb(agnes, case, "close", outcome="fulfilled")
    actions = set(case.audit_events.values_list("action", flat=True))
    assert {"result.fetched", "result.viewed", "result.downloaded", "result.redacted"} <= actions
    checked(case)


def _unpacked(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize(
    ("known", "answer", "outcome"),
    [(True, Answer.ACCEPTED, Outcome.FULFILLED), (False, Answer.NO_DATA_HELD, Outcome.NO_DATA_HELD)],
)
def test_an_opt_out_goes_out_at_once(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, known: bool, answer: str, outcome: str
) -> None:
    sandbox.switches(strangers="unknown")
    workspace = processor(sandbox)
    if known:
        sandbox.person(identities={"email": EMAIL})
    case = opened(agnes, type="opt_out", regulation="ccpa")
    assert case.status == CaseStatus.WORKING
    portal.work()
    assert answers(case) == {workspace.name: answer}
    page = agnes.get(f"/admin/cases/case/{case.pk}/change/").text
    assert "consented" not in page
    assert ("no further confirmation" in page.lower()) is known
    assert ("Nothing was sent" in page) is not known
    consents = [person["consent_state"] for person in sandbox.people()]
    assert [said["ccpa"]["data_sale_opt_out"]["consented"] for said in consents] == ([True] if known else [])
    case.refresh_from_db()
    verb(agnes, case, "close", outcome=outcome)
    assert case.outcome == outcome
    checked(case)


def test_a_correction_is_previewed_approved_by_a_second_person_and_made(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    sandbox.switches(strangers="unknown")
    processor(sandbox)
    sandbox.person(identities={"email": EMAIL})
    case = opened(agnes, type="correction", **{"identities-0-correct_to": "ada.king@example.org"})
    verb(agnes, case, "verify", method="signed_in")
    verb(agnes, case, "search")
    assert ProfileSearch.objects.latest("asked_at").finding == Finding.FOUND
    assert agnes.get(f"/admin/cases/case/{case.pk}/approve/").status_code == 403
    verb(pia, case, "approve")
    portal.work()
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert [row["identities"] for row in sandbox.people()] == [{"email": "ada.king@example.org"}]
    verb(agnes, case, "close", outcome="fulfilled")
    checked(case)


def test_an_erasure_waits_behind_an_access_case_of_the_same_person(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    processor(sandbox)
    access = approved(agnes, pia, type="access")
    erasure = approved(agnes, pia, type="erasure")
    portal.work()
    assert erasure.blocked_by_id == access.pk
    assert len(sandbox.state()["requests"]) == 1, "only the access request has left"
    assert access.reference in agnes.get(f"/admin/cases/case/{erasure.pk}/change/").text
    sandbox.advance(3 * DAY)
    portal.work()
    access.refresh_from_db()
    verb(agnes, access, "close", outcome="fulfilled")
    erasure_hold.release_due()
    portal.work()
    assert len(sandbox.state()["requests"]) == 2
    erasure.refresh_from_db()
    assert Case.objects.filter(pk=erasure.pk, blocked_by=None).exists()
    checked(erasure)


def test_an_approval_is_void_when_an_identity_changes(
    portal: LivePortal, sandbox: Sandbox, agnes: Desk, pia: Desk
) -> None:
    target = processor(sandbox)
    target.paused_at, target.paused_reason = timezone.now(), "maintenance"
    target.save()
    case = approved(agnes, pia, type="erasure")
    verb(agnes, case, "identities", **{"identities-0-type": "other", "identities-0-value": "n-7"})
    assert (case.status, case.approved_by) == (CaseStatus.READY, None)
    type(target).objects.update(paused_at=None, paused_reason="")
    queueing.wake("cases.jobs.sweep")
    portal.work()
    assert sandbox.state()["requests"] == [], "what nobody approves any more does not leave"
    verb(pia, case, "approve")
    portal.work()
    (sent,) = sandbox.state()["requests"]
    assert sent["id"] == str(case.requests.get(status=RequestStatus.PENDING).pk)
    checked(case)
