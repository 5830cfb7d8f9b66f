"""The desk in German, whose words are longer: on a desk and on a tablet, nothing runs out of its page."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Browser

from cases.models import AttentionKind, Case
from dsrportal.sentence import Sentence
from integrations.models import Processor
from tests.builders import PASSWORD, approved_case, manual, open_case, person, processor, ready_case
from tests.cases.admin.stages import with_open_item
from tests.live import LivePortal, live_portal

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (1280, 820)


@pytest.fixture
def portal(transactional_db: None, logs: Path) -> Iterator[LivePortal]:
    user = person("adele", language="de", time_zone="Europe/Berlin")
    user.groups.set(Group.objects.all())
    processor(name="Shop (EU)")
    with_open_item(
        approved_case(),
        AttentionKind.GONE,
        Sentence("%(processor)s is not paused.", processor="Shop (EU)"),
    )
    manual("Papierarchiv")
    for number, make in enumerate((open_case, ready_case, approved_case)):
        make(
            type=("access", "erasure", "portability")[number],
            received_at=timezone.now() - timedelta(hours=300 * number + 30),
            identities=[("email", f"person{number}@example.org")],
        )
    with live_portal(logs) as running:
        yield running


def places() -> Iterator[tuple[str, str]]:
    yield "start", "/admin/"
    yield "queue", "/admin/cases/case/"
    for case in Case.objects.order_by("pk"):
        yield f"case-{case.pk}", f"/admin/cases/case/{case.pk}/change/"
    ready = Case.objects.get(status="ready", type="erasure")
    yield "approve", f"/admin/cases/case/{ready.pk}/approve/"
    yield "plan", f"/admin/cases/case/{ready.pk}/plan/"
    yield "open", "/admin/cases/case/add/"
    yield "attention", "/admin/cases/attentionitem/"
    yield "tasks", "/admin/cases/manualtask/"
    yield "processors", "/admin/integrations/processor/"
    yield "processor", f"/admin/integrations/processor/{Processor.objects.get(name='Shop (EU)').pk}/change/"
    yield "kinds", "/admin/integrations/processor/add/"
    yield "deliveries", "/admin/cases/callbackdelivery/"
    yield "audit", "/admin/cases/auditevent/"
    yield "health", "/admin/health/"
    yield "jobs", "/admin/cases/jobs/"
    yield "users", "/admin/dsrportal/user/"
    yield "user", "/admin/dsrportal/user/add/"
    yield "role", f"/admin/auth/group/{Group.objects.earliest('pk').pk}/change/"
    yield "me", "/admin/me/"


def test_german_fits_on_a_desk_and_on_a_tablet(browser: Browser, portal: LivePortal, tmp_path: Path) -> None:
    wished = os.environ.get("PORTAL_GERMAN_PICTURES_DIR")
    pictures = Path(wished) if wished else tmp_path
    context = browser.new_context(base_url=portal.url, locale="de-DE")
    page = context.new_page()
    page.goto("/admin/")
    page.screenshot(path=pictures / "login.png")
    page.get_by_label("Benutzername").fill("adele")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    too_wide = []
    for name, address in places():
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address)
            assert page.locator("html").get_attribute("lang") == "de", name
            assert page.get_by_text("Zeiten in Europe/Berlin").count(), name
            page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True, animations="disabled")
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                too_wide.append((name, width, wide))
    assert too_wide == []
