"""The trail as a file, and the chains of a page verified at once."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.actor import SCHEDULE
from cases.admin.audit.export import COLUMNS
from cases.models import Action, AuditChain, AuditEvent
from cases.services import audit
from cases.services.worklist import verify_chains
from dsrportal.models import User
from dsrportal.spreadsheet import as_csv, as_typed, harmless
from tests import builders
from tests.cases.admin.desk_users import browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_auditevent_changelist")
EXPORT = reverse("admin:cases_auditevent_export")
VERIFY = reverse("admin:cases_auditevent_verify_page")


def write() -> AuditEvent:
    return audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"found": 3})


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    answer: Any = client.post(f"{EXPORT}?{query}")
    assert answer.streaming, "the file is made while it is sent"
    assert answer["Content-Disposition"] == 'attachment; filename="audit-events.csv"'
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("name", "may"),
    [("otto", True), ("adam", True), ("agnes", False), ("pia", False), ("ivy", False), ("charlie", False)],
)
def test_who_may_export_and_verify(name: str, may: bool) -> None:
    client = browser(name)
    answer: Any = client.post(EXPORT)
    assert answer.status_code == (200 if may else 403)
    if may:
        assert b"".join(answer.streaming_content), "read to its end, which closes the cursor"
    assert client.post(VERIFY).status_code == (302 if may else 403)
    assert AuditEvent.objects.filter(action=Action.AUDIT_EXPORTED).exists() is may


def test_neither_is_done_by_following_a_link() -> None:
    client = browser("otto")
    assert (client.get(EXPORT).status_code, client.get(VERIFY).status_code) == (405, 405)


def test_the_file_says_what_the_events_say() -> None:
    builders.processor(name="Shop")
    case = builders.open_case(identities=[("email", "ada@example.org")])
    client = browser("otto")
    events = list(AuditEvent.objects.order_by("-id"))
    rows = exported(client)
    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert [row["hash"] for row in rows] == [bytes(event.hash).hex() for event in events]
    (opened,) = (row for row in rows if row["action"] == Action.CASE_OPENED)
    event = next(event for event in events if event.action == Action.CASE_OPENED)
    assert opened == {
        "when": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "who": "agnes",
        "source": "admin",
        "address": "192.0.2.7",
        "what": event.sentence,
        "action": "case.opened",
        "reason": "",
        "case": case.reference,
        "processor": "",
        "chain": f"case:{case.pk}",
        "sequence": "1",
        "hash": bytes(event.hash).hex(),
    }
    assert "ada@example.org" not in str(rows)


def test_it_is_the_whole_of_what_the_list_is_narrowed_to() -> None:
    for number in range(70):
        audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"found": number})
    client = browser("otto")
    rows = exported(client, "action=identity.searched&p=2")
    assert [row["what"] for row in rows[:2]] == [
        "Searched by an identifier (69 found)",
        "Searched by an identifier (68 found)",
    ]
    assert len(rows) == 70
    assert AuditEvent.objects.latest("id").sentence == "Exported audit events: 70"


def test_that_it_was_exported_is_written_before_the_first_byte() -> None:
    answer: Any = browser("otto").post(f"{EXPORT}?action=no.such")
    event = AuditEvent.objects.latest("id")
    assert (event.sentence, event.actor_label, event.address) == (
        "Exported audit events: 0",
        "otto",
        "192.0.2.7",
    )
    assert b"".join(answer.streaming_content).decode("utf-8-sig").strip() == ",".join(
        column.name for column in COLUMNS
    )


def test_a_list_that_cannot_be_narrowed_so_is_not_exported() -> None:
    (sentence,) = said(browser("otto").post(f"{EXPORT}?no_such_field=1", follow=True))
    assert sentence == "Nothing was exported. These filters are not valid."
    assert not AuditEvent.objects.filter(action=Action.AUDIT_EXPORTED).exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_run_as_a_formula(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    assert harmless(f"1{start}") == f"1{start}"


def test_names_that_would_be_formulas_are_text_in_the_file() -> None:
    client = browser("otto")
    user = User.objects.create_user("@SUM")
    processor = builders.processor(name='=HYPERLINK("https://example.org")')
    audit.record(Action.PROCESSOR_PAUSED, actor=builders.actor(user), processor=processor)
    (row,) = exported(client, "action=processor.paused")
    assert (row["who"], row["processor"]) == ("'@SUM", '\'=HYPERLINK("https://example.org")')


def test_the_list_offers_both_with_its_filters() -> None:
    audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"found": 3})
    html = browser("otto").get(f"{LIST}?action=identity.searched").content.decode()
    assert f'action="{EXPORT}?action=identity.searched"' in html
    assert f'action="{VERIFY}?action=identity.searched"' in html


def test_chains_that_hold_are_said_to_with_what_was_read() -> None:
    builders.processor()
    case = builders.open_case()
    write()
    client = browser("otto")
    lengths = AuditChain.objects.values_list("name", "sequence")
    answer = client.post(f"{VERIFY}?source=admin&p=1", follow=True)
    assert answer.redirect_chain == [(f"{LIST}?source=admin&p=1", 302)]
    (sentence,) = said(answer)
    assert sentence.startswith(
        f"All 2 chains of these events are intact. All {sum(dict(lengths).values())} events in them are "
        "unchanged, in order and complete."
    )
    (sentence,) = said(client.post(f"{VERIFY}?case={case.reference}", follow=True))
    assert sentence.endswith("All 2 events in it are unchanged, in order and complete.")


def test_an_empty_list_proves_nothing_and_says_so() -> None:
    assert said(browser("otto").post(f"{VERIFY}?action=no.such", follow=True)) == [
        "Nothing to verify. The list is empty."
    ]


def test_a_list_that_cannot_be_narrowed_so_is_not_verified() -> None:
    (sentence,) = said(browser("otto").post(f"{VERIFY}?no_such_field=1", follow=True))
    assert sentence == "Nothing was verified. These filters are not valid."


def test_a_break_is_found_in_the_chain_that_has_it(owner_connection: Any) -> None:
    builders.processor()
    case = builders.open_case()
    write()
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute(
        "UPDATE cases_auditevent SET reason = 'other' WHERE sequence = 1 AND chain LIKE 'case:%'"
    )
    (sentence,) = said(browser("otto").post(VERIFY, follow=True))
    assert sentence == (
        f"The chain “case:{case.pk}” is broken at event 1: columns and canonical form differ."
    )


def test_what_was_not_verified_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.processor()
    for _number in range(3):
        builders.open_case()
    for _number in range(9):
        write()
    monkeypatch.setattr(verify_chains, "MOST_READ", 5)
    client = browser("otto")
    holds, left = said(client.post(VERIFY, follow=True))
    assert holds.startswith(
        "All 2 chains of these events are intact. All 4 events in them are unchanged, in order and complete."
    )
    assert left.startswith("Not verified because they are too long to verify here: 2 chains, such as “case:")
    monkeypatch.setattr(verify_chains, "MOST_LISTED", 1)
    (unread, beyond) = said(client.post(VERIFY, follow=True))
    assert "the chain “portal”" in unread
    assert beyond.startswith("Not verified: chains whose events are all older than the newest")


@pytest.mark.parametrize(
    "cell",
    ["ada;=1+1", "ada; =1+1", 'ada;"=1+1"', "ada\n=1+1", "ada\r\n@SUM(1)", "ada\t-1", "＝1+1", "+49;+49"],
)
def test_nor_is_what_a_spreadsheet_of_another_country_takes_for_a_cell(cell: str) -> None:
    """With semicolons between cells, as most of Europe has them, a cell of ours is several of theirs."""
    written = b"".join(as_csv(["who", "note"], [["DSR-1", cell]])).decode()
    for separator in ";\t":
        for line in csv.reader(written.splitlines(), delimiter=separator, quoting=csv.QUOTE_NONE):
            assert not [part for part in line if part.lstrip(' "').startswith(tuple("=+-@＝"))]
    assert as_typed(harmless(cell)) == cell


def test_what_is_no_formula_stays_as_it_is() -> None:
    for cell in (
        "ada; bob",
        "Shop: done; App: refused",
        "a-b",
        "2026-05-04",
        "a;b=c",
        "x@example.org;y@example.org",
    ):
        assert harmless(cell) == cell
