"""Two people at one case, each in a browser of their own."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Browser, expect

from cases.services.worklist import assigning
from tests.browser.walker import Walker
from tests.builders import actor, person, processor, ready_case
from tests.live import live_portal

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_people_at_one_case(browser: Browser, logs: Path, tmp_path: Path) -> None:
    for name, role in (("agnes", "agent"), ("pia", "approver")):
        person(name).groups.add(Group.objects.get(name=role))
    processor()
    case = ready_case()
    address = f"/admin/cases/case/{case.pk}/change/"
    letter = tmp_path / "Letter of Ada.pdf"
    letter.write_bytes(b"%PDF-1.7 a letter")
    with live_portal(logs) as portal:
        agnes, pia = (Walker(browser, portal.url, name) for name in ("agnes", "pia"))

        # Each is told of the other, without loading the page again.
        agnes.page.goto(address)
        expect(agnes.page.get_by_text("has this case open")).to_have_count(0)
        pia.page.goto(address)
        expect(pia.page.get_by_text("agnes also has this case open.")).to_be_visible()
        agnes.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(agnes.page.get_by_text("pia also has this case open.")).to_be_visible()

        # A note that names a colleague, read and answered where it stands.
        agnes.page.get_by_role("button", name="Assign to me").click()
        expect(agnes.page.get_by_text("Assigned to agnes")).to_be_visible()
        note = agnes.page.get_by_label("Add note")
        note.press_sequentially("Is this the one, @")
        people = agnes.page.get_by_role("listbox", name="Colleagues")
        expect(people.get_by_role("option")).to_have_text(["agnes", "pia"])
        note.press("ArrowDown")
        expect(people.get_by_role("option", selected=True)).to_have_text("pia")
        note.press("Escape")
        expect(people).to_be_hidden()
        note.press_sequentially("P")
        note.press("Enter")
        expect(note).to_have_value("Is this the one, @pia ")
        note.press("Backspace")
        note.press_sequentially("?")
        agnes.page.get_by_role("button", name="Add note").click()
        pia.page.goto("/admin/")
        pia.page.get_by_role("link", name="Mentions 1").click()
        pia.page.get_by_role("button", name="Open").click()
        expect(pia.page.locator(".note:target")).to_contain_text("Is this the one")
        pia.page.get_by_text("Reply", exact=True).first.click()
        pia.page.get_by_label("Your reply").fill("It is.")
        pia.page.locator(".reply").get_by_role("button", name="Reply").click()
        expect(pia.page.locator(".replies")).to_contain_text("It is.")

        # A file goes in and comes out as it was, under a name that says nothing.
        agnes.page.goto(address)
        agnes.page.get_by_label("Attach file").set_input_files(letter)
        agnes.page.get_by_role("button", name="Attach", exact=True).click()
        with pia.page.expect_download() as got:
            pia.page.goto(address)
            pia.page.get_by_role("button", name="Download Letter of Ada.pdf").click()
        assert got.value.path().read_bytes() == letter.read_bytes()
        assert "Ada" not in got.value.suggested_filename

        # Both save: the second reads who was faster, and keeps what was typed.
        agnes.page.goto(f"/admin/cases/case/{case.pk}/tags/")
        assigning.tag(case, actor=actor("pia"), names=["press"])
        agnes.page.get_by_label("Tags").fill("vip")
        agnes.page.get_by_role("button", name="Change tags").click()
        expect(agnes.page.get_by_role("alert")).to_contain_text("pia, ")
        expect(agnes.page.get_by_label("Tags")).to_have_value("vip")
        agnes.page.get_by_role("button", name="Change tags").click()
        expect(agnes.page.get_by_text("Tags changed.", exact=True)).to_be_visible()
        assert agnes.complaints == pia.complaints == []
