"""A real browser walks the main job once, and takes pictures for the manual on its way."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Browser

from cases.lifecycle import CaseStatus, Outcome
from cases.models import Case
from cases.services import audit
from cases.services.planning import approval
from cases.services.worklist import assigning, saved_views
from tests.browser.walker import Album, Walker
from tests.builders import actor, approved_case, open_case, person, processor, ready_case
from tests.live import LivePortal, live_portal
from tests.sandbox import Sandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def portal(transactional_db: None, sandbox: Sandbox, logs: Path) -> Iterator[LivePortal]:
    for name, role in (("agnes", "agent"), ("pia", "approver"), ("otto", "auditor")):
        person(name, time_zone="Europe/Berlin").groups.add(Group.objects.get(name=role))
    processor(sandbox, name="Shop (EU)")
    weeks_before()
    some_cases()
    with live_portal(logs) as running:
        yield running


def weeks_before() -> None:
    """Cases that came and were closed in the last twelve weeks, a few of them late."""
    now = timezone.now()
    for number in range(40):
        closed_at = now - timedelta(days=2 * number + 1)
        took = timedelta(days=(4, 9, 17, 26, 12, 49 if number % 3 else 21)[number % 6])
        with time_machine.travel(closed_at, tick=False):
            case = open_case(
                type=("access", "erasure", "erasure", "portability")[number % 4],
                received_at=closed_at - took,
                identities=[("email", f"before{number}@example.org")],
            )
            approval.deny(case, actor=actor("pia"), reason="legal_obligation")


def some_cases() -> None:
    """A queue as a working day has it: each at its stage, some with somebody, some in a hurry."""
    now = timezone.now()
    rows = [
        ("access", "gdpr", 30, "agnes"),
        ("erasure", "ccpa", 80, ""),
        ("portability", "gdpr", 300, "agnes"),
        ("erasure", "gdpr", 640, "pia"),
        ("access", "ccpa", 900, ""),
        ("erasure", "gdpr", 150, "agnes"),
        ("access", "gdpr", 715, "agnes"),
        ("access", "gdpr", 200, ""),
        ("erasure", "gdpr", 410, ""),
        ("portability", "ccpa", 520, "agnes"),
        ("erasure", "ccpa", 610, ""),
    ]
    for number, (kind, regulation, hours, assignee) in enumerate(rows):
        make = (open_case, ready_case, approved_case)[number % 3]
        case = make(
            type=kind,
            regulation=regulation,
            received_at=now - timedelta(hours=hours),
            identities=[("email", f"person{number}@example.org")],
        )
        if assignee:
            user = actor(assignee).user
            assigning.assign(case, actor=actor("agnes"), assignee=user, seen=None)
    saved_views.save(
        actor=actor("agnes"), name="My erasures", query="assignee=me&type__exact=erasure", shared=False
    )
    saved_views.save(
        actor=actor("pia"), name="CCPA this week", query="due=7&regulation__exact=ccpa", shared=True
    )


def test_a_case_from_the_form_to_its_end(
    browser: Browser, portal: LivePortal, sandbox: Sandbox, pictures: Album
) -> None:
    agnes = Walker(browser, portal.url, "agnes")
    page = agnes.page
    agnes.picture(pictures, "board", height=1420)
    page.get_by_role("link", name="Cases").first.click()
    page.get_by_role("link", name="Open a case").first.click()
    page.get_by_label("Received on").fill(f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("Type", exact=True).select_option("erasure")
    page.locator("[name=identities-0-value]").fill("Ada.Lovelace@Example.org")
    page.get_by_role("button", name="Open case").click()
    case = Case.objects.latest("pk")
    assert page.url.endswith(f"/{case.pk}/change/")

    agnes.choose("Verify requester")
    page.get_by_label("Data points matched").check()
    for point in ("Name", "Postal address"):
        page.get_by_label(point, exact=True).check()
    page.get_by_role("button", name="Record verification").click()
    assert not page.get_by_role("link", name="Approve").count()

    pia = Walker(browser, portal.url, "pia")
    pia.page.goto(f"/admin/cases/case/{case.pk}/change/")
    pia.choose("Approve")
    pia.picture(pictures, "approval")
    pia.page.get_by_role("button", name="Approve").click()

    portal.work()
    sandbox.advance(DAY)
    page.goto(f"/admin/cases/case/{case.pk}/change/")
    assert page.get_by_text("Braze").count()
    agnes.picture(pictures, "case", height=1180)
    sandbox.advance(15 * DAY)
    page.goto("/admin/cases/case/")
    agnes.picture(pictures, "queue")

    page.get_by_role("link", name=case.reference).click()
    agnes.choose("Close")
    page.get_by_label("Fulfilled", exact=True).check()
    page.get_by_role("button", name="Close").click()
    case.refresh_from_db()
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.FULFILLED)
    assert audit.verify(f"case:{case.pk}") == []

    otto = Walker(browser, portal.url, "otto")
    otto.page.goto("/admin/integrations/processor/")
    otto.page.get_by_role("link", name="Shop (EU)").first.click()
    otto.picture(pictures, "processor")
    otto.page.goto("/admin/cases/auditevent/")
    assert otto.page.get_by_text(case.reference).count()
    assert agnes.complaints + pia.complaints + otto.complaints == []
