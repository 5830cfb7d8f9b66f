"""A working day of an agent, an approver and an auditor, by clicking."""

import csv
import io
import re

from playwright.sync_api import Browser, Page, expect

from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import AuditEvent, Case
from tests.browser.walker import Album, Walker
from tests.browser.working_day import Office
from tests.cases.files import BROKEN, ROW, csv_of


def references(page: Page) -> list[str]:
    """The cases of a list, in its order."""
    return page.locator("#result_list tbody :is(th a, a.row-title)").all_inner_texts()


# --- the agent


def test_an_agents_day(browser: Browser, office: Office, pictures: Album) -> None:
    agnes = Walker(browser, office.portal.url, "agnes")
    _works_her_queue(agnes, office, browser, pictures)
    imported = _imports_a_file(agnes, office, pictures)
    _works_many(agnes, office, imported)
    _answers_one_who_calls(agnes, office)
    assert agnes.complaints == []


def _works_her_queue(agnes: Walker, office: Office, browser: Browser, pictures: Album) -> None:
    page, by_link, by_data = agnes.page, office.cases["by_link"], office.cases["by_data"]
    assert agnes.figure("My cases") == 2
    assert references(page) == [by_link.reference, by_data.reference]
    page.get_by_text("Status: All open").click()
    page.get_by_role("link", name="Intake", exact=True).click()
    page.get_by_text("Save as view").click()
    page.get_by_label("Name").fill("My day")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(
        page.get_by_role("navigation", name="Views").get_by_role("link", name="My day 2")
    ).to_have_attribute("aria-current", "page")

    page.get_by_role("link", name=by_link.reference).click()
    page.get_by_label("Add note").fill("Her second this year, @pia.")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Note added.")).to_be_visible()
    agnes.choose("Verify requester")
    page.get_by_label("E-mail address confirmed", exact=True).check()
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_text("Waiting to be sent")).to_be_visible()
    office.portal.work("results")
    _confirms(browser, office.mailbox.links()[-1])
    page.reload()
    expect(page.get_by_text("The plan", exact=True)).to_be_visible()

    page.get_by_role("link", name="Next case in this list").click()
    expect(page.get_by_role("heading", name=by_data.reference)).to_be_visible()
    agnes.choose("Verify requester")
    agnes.picture(pictures, "verify", height=1000, prepare=_matches)
    _matches(page)
    page.get_by_role("button", name="Record verification").click()
    expect(page.get_by_text("No longer in the list (0 remaining)")).to_be_visible()
    statuses = Case.objects.filter(pk__in=[by_link.pk, by_data.pk]).values_list("status", flat=True)
    assert set(statuses) == {CaseStatus.READY}


def _matches(page: Page) -> None:
    """Three data points do, in any language."""
    page.locator("[name=method][value=matched_data]").check()
    for point in ("name", "postal_address", "birth_date"):
        page.locator(f"[name=points][value={point}]").check()


def _confirms(browser: Browser, link: str) -> None:
    """The person, at home."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Yes, I made this request").click()
    expect(page.get_by_text("Thank you, your request is confirmed")).to_be_visible()
    context.close()


def _imports_a_file(agnes: Walker, office: Office, pictures: Album) -> list[Case]:
    """Two rows are good and one is not: the good ones are opened, the other comes back to be put right."""
    page = agnes.page
    agnes.go("Imports")
    page.get_by_role("link", name="Import cases").first.click()
    rows = [{**ROW, "email": f"imported{number}@example.org"} for number in range(2)]
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": csv_of(*rows, BROKEN)}
    page.get_by_label("File", exact=False).first.set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Upload and check").click()
    office.portal.work("default")
    expect(page.get_by_text("No cases have been opened yet. 2 rows are ready to import. 1")).to_be_visible()
    agnes.picture(pictures, "import")
    before = set(Case.objects.values_list("pk", flat=True))
    page.get_by_role("button", name="Start the import of 2 rows").click()
    office.portal.work("default")
    expect(page.get_by_text("Reasons for failed rows")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download these rows").click()
    (failed,) = csv.DictReader(io.StringIO(got.value.path().read_text("utf-8-sig")))
    assert failed["line"] == "4"
    assert failed["problem"]
    return list(Case.objects.exclude(pk__in=before).order_by("pk"))


def _works_many(agnes: Walker, office: Office, imported: list[Case]) -> None:
    """Ticked ones are handed to her, and all that are hers by then get a tag."""
    page = agnes.page
    assert len(imported) == 2
    page.goto("/admin/cases/case/?assignee=nobody")
    for case in imported:
        page.get_by_label(f"Select {case.reference}").check()
    page.get_by_role("button", name="Assign…").click()
    page.get_by_label("Assign to").select_option(label="agnes")
    _confirm_in_bulk(page, office, "Assign: 2 cases")
    agnes.figure("My cases")
    page.get_by_label("All 4 matching cases").check()
    page.get_by_role("button", name="Change tags…").click()
    page.get_by_label("Tags to add").fill("autumn")
    _confirm_in_bulk(page, office, "Change tags: 4 cases")
    page.goto("/admin/cases/case/?tag=autumn")
    expect(page.get_by_text("4 cases", exact=True)).to_be_visible()


def _confirm_in_bulk(page: Page, office: Office, button: str) -> None:
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Planned changes")).to_be_visible()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    office.portal.work("default")
    expect(page.get_by_role("progressbar")).to_have_count(0)


def _answers_one_who_calls(agnes: Walker, office: Office) -> None:
    """Found by e-mail, taken, looked at with a reason, closed."""
    page, case = agnes.page, office.cases["answered"]
    agnes.go("Cases")
    page.get_by_label("Find a case by its reference").fill("ada.lovelace@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=case.reference)).to_be_visible()
    assert references(page) == [case.reference]
    assert "lovelace" not in page.url
    page.get_by_role("link", name=case.reference).click()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("Assigned to agnes")).to_be_visible()
    expect(page.get_by_text("Ada.Lovelace@Example.org")).to_have_count(0)
    page.get_by_role("link", name="Reveal…").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("Enter a reason.")).to_be_visible()
    page.get_by_label("To respond to the requester").check()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("Ada.Lovelace@Example.org")).to_be_visible()
    page.get_by_role("link", name="Back to the case").click()
    agnes.choose("Close")
    page.get_by_label("Fulfilled", exact=True).check()
    page.get_by_role("button", name="Close").click()
    case.refresh_from_db()
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.FULFILLED)


# --- the approver


def test_an_approvers_day(browser: Browser, office: Office, pictures: Album) -> None:
    pia = Walker(browser, office.portal.url, "pia")
    _approves_one(pia, office)
    _is_refused_her_own(pia, office)
    _approves_many(pia, office, pictures)
    _lets_one_go(pia, office)
    _reads_what_names_her(pia, office)
    assert pia.complaints == []


def _approves_one(pia: Walker, office: Office) -> None:
    page, case = pia.page, office.cases["first"]
    said = pia.figure("Waiting for my approval")
    listed = references(page)
    assert said == len(listed)
    assert office.cases["own"].reference not in listed
    page.get_by_role("link", name=case.reference).click()
    pia.choose("Approve")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved. The requests are being sent.")).to_be_visible()
    office.portal.work("outgoing")
    request = case.requests.get()
    assert request.status == RequestStatus.PENDING


def _is_refused_her_own(pia: Walker, office: Office) -> None:
    """By four eyes: nothing offers it, and the page that says why has a button that does nothing."""
    page, case = pia.page, office.cases["own"]
    page.goto(office.address("own"))
    expect(page.get_by_role("heading", name=case.reference)).to_be_visible()
    expect(page.get_by_role("banner").get_by_role("link", name="Approve")).to_have_count(0)
    page.goto(office.address("own", "approve"))
    expect(
        page.get_by_text(
            "Whoever opened, verified or last changed an erasure or correction cannot approve it."
        )
    ).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def _approves_many(pia: Walker, office: Office, pictures: Album) -> None:
    """Two erasures, of which one is taken back while it waits."""
    page, kept, undone = pia.page, office.cases["bulk_one"], office.cases["bulk_two"]
    page.goto("/admin/cases/case/?approval=1")
    for case in (kept, undone):
        page.get_by_label(f"Select {case.reference}").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Approve…").click()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Planned changes")).to_be_visible()
    pia.picture(pictures, "bulk")
    page.get_by_role("button", name="Approve: 2 cases").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    office.portal.work("default")
    expect(page.get_by_text("It can be undone until then")).to_have_count(2)
    page.get_by_role("button", name=f"Undo {undone.reference}").click()
    office.portal.work("default")
    expect(page.get_by_text("It can be undone until then")).to_have_count(1)
    for case in (kept, undone):
        case.refresh_from_db()
    assert (kept.status, undone.status) == (CaseStatus.WORKING, CaseStatus.READY)
    assert kept.requests.get().attempts == 0, "it waits here"


def _lets_one_go(pia: Walker, office: Office) -> None:
    page, case = pia.page, office.cases["held"]
    page.goto(office.address("held"))
    held = page.locator(".banner", has_text="On hold: waiting for")
    expect(held).to_be_visible()
    held.get_by_role("link", name="Release from hold").click()
    page.get_by_label("The requester wants the erasure first").check()
    page.get_by_role("button", name="Release from hold").click()
    expect(held).to_have_count(0)
    office.portal.work("outgoing")
    assert case.requests.get().status == RequestStatus.PENDING


def _reads_what_names_her(pia: Walker, office: Office) -> None:
    page = pia.page
    pia.go("Mentions")
    unread = page.locator(".note", has_text=office.cases["seen"].reference)
    unread.get_by_role("button", name="Open").click()
    expect(page.locator(".note:target")).to_contain_text("Is this the one")
    pia.go("Mentions")
    expect(unread.get_by_text(re.compile(r"^read \d"))).to_be_visible()
    expect(unread.get_by_role("button")).to_have_count(0)


# --- the auditor


def test_an_auditors_day(browser: Browser, office: Office, pictures: Album) -> None:
    otto = Walker(browser, office.portal.url, "otto")
    _reads_and_changes_nothing(otto, office)
    _reviews_the_trail(otto, office, pictures)
    _asks_who_saw_a_person(otto, office)
    _proves_and_takes_along(otto, office)
    assert otto.complaints == []


def _reads_and_changes_nothing(otto: Walker, office: Office) -> None:
    """No button of a case does anything but copy, and an address that is typed is refused."""
    page = otto.page
    page.goto(office.address("seen"))
    expect(page.get_by_role("heading", name=office.cases["seen"].reference)).to_be_visible()
    expect(page.get_by_text("Is this the one, @pia?")).to_be_visible()
    expect(page.get_by_role("main").locator("form")).to_have_count(0)
    expect(page.get_by_role("banner").locator("a.button, details")).to_have_count(0)
    for verb in ("approve", "reveal", "note", "verify"):
        answer = page.request.get(office.portal.url + office.address("seen", verb))
        assert answer.status == 403
    page.goto("/admin/cases/case/")
    expect(page.get_by_role("checkbox")).to_have_count(0)


def _reviews_the_trail(otto: Walker, office: Office, pictures: Album) -> None:
    page = otto.page
    otto.go("Audit trail")
    page.get_by_label("Who").fill("ivy")
    page.get_by_label("What", exact=True).select_option("processor.changed")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").first.click()
    changed = page.get_by_role("row", name="Name Shop Shop (EU)")
    expect(changed).to_be_visible()
    page.get_by_role("link", name="All activity of this account").click()
    expect(page.get_by_text("All activity of the account ivy")).to_be_visible()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Case", exact=True).fill(office.cases["seen"].reference)
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(AuditEvent.objects.filter(case=office.cases["seen"]).count())
    otto.picture(pictures, "audit")


def _asks_who_saw_a_person(otto: Walker, office: Office) -> None:
    page = otto.page
    page.goto(office.address("seen"))
    page.get_by_role("link", name="Access log").click()
    expect(page.get_by_role("row", name=re.compile("agnes .*To respond to the requester"))).to_be_visible()


def _proves_and_takes_along(otto: Walker, office: Office) -> None:
    page, reference = otto.page, office.cases["seen"].reference
    page.goto(f"/admin/cases/auditevent/?case={reference}")
    page.get_by_role("button", name="Verify the chains").click()
    expect(page.get_by_text("events in it are unchanged, in order and complete.")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("button", name="Export").click()
    rows = list(csv.DictReader(io.StringIO(got.value.path().read_text("utf-8-sig"))))
    assert len(rows) == page.locator("#result_list tbody tr").count()
    assert "identity.revealed" in got.value.path().read_text("utf-8-sig")
