"""Lists as files: who may, what they say, and that the trail says who took them."""

import csv
import gc
import io
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.worklist.export import COLUMNS
from cases.models import Action, AuditEvent, Case, SubjectIdentity
from cases.services import audit
from cases.services.closing import duplicates
from cases.services.planning import approval
from cases.services.worklist import assigning
from dsrportal.models import User
from integrations.types import IdentityType
from tests import builders
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin.desk_users import ROLE_OF, account, browser, said
from tests.cases.admin.operations.test_callbacks import deliver
from tests.cases.admin.stages import with_item, with_task

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")
EXPORT = reverse("admin:cases_case_export")
READ_CASES = {"agnes", "pia", "otto", "adam"}
REVEAL = {"agnes", "pia", "adam"}
WITH_IDENTITIES = {"identities": "on", "reason": "answer_person"}


def address(listed: str) -> str:
    return reverse(f"admin:{listed}_export")


def taken(client: Client, at: str = EXPORT, query: str = "", **asked: str) -> list[dict[str, str]]:
    answer: Any = client.post(f"{at}?{query}", asked)
    assert answer.status_code == 200
    assert answer.streaming, "the file is made while it is sent"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def exports() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=Action.LIST_EXPORTED).order_by("id"))


# --- who may


@pytest.mark.parametrize("name", ROLE_OF)
def test_the_queue_needs_its_own_permission(name: str) -> None:
    client = browser(name)
    may = name in READ_CASES
    assert client.get(EXPORT).status_code == (200 if may else 403)
    answer: Any = client.post(EXPORT)
    assert answer.status_code == (200 if may else 403)
    if may:
        assert b"".join(answer.streaming_content), "read to its end, which closes the cursor"
    assert bool(exports()) is may


def test_without_it_the_queue_offers_no_export() -> None:
    client = browser("agnes")
    assert EXPORT in client.get(LIST).content.decode()
    account("agnes").groups.get().permissions.remove(Permission.objects.get(codename="export_case"))
    assert EXPORT not in client.get(LIST).content.decode()
    assert client.post(EXPORT).status_code == 403


@pytest.mark.parametrize("name", sorted(READ_CASES))
def test_identities_go_out_to_those_alone_who_may_reveal_them(name: str) -> None:
    processor()
    case = open_case(identities=[("email", "ada@example.org")])
    client = browser(name)
    may = name in REVEAL
    assert ('name="identities"' in client.get(EXPORT).content.decode()) is may
    answer: Any = client.post(EXPORT, WITH_IDENTITIES)
    assert answer.status_code == (200 if may else 403)
    text = b"".join(answer.streaming_content).decode() if may else ""
    assert ("ada@example.org" in text) is may
    revealed = AuditEvent.objects.filter(case=case, action=Action.IDENTITIES_REVEALED)
    assert revealed.exists() is may


def test_looking_at_the_page_exports_nothing_and_says_what_would_go_out() -> None:
    processor()
    open_case(type="access")
    html = browser("agnes").get(f"{EXPORT}?type__exact=access").content.decode()
    assert "Type: Access" in html
    assert "1 case" in html
    assert not exports()


# --- what the queue's file says


def test_a_row_says_where_the_case_stands() -> None:
    processor(name="Shop")
    case = approved_case(identities=[("email", "ada@example.org")])
    assigning.assign(case, actor=actor("agnes"), assignee=account("pia"), seen=None)
    assigning.tag(case, actor=actor("agnes"), names=["vip", "press"])
    (row,) = taken(browser("agnes"))
    case.refresh_from_db()
    assert list(row) == [column.name for column in COLUMNS]
    due_on = case.clocks.get().due_on
    assert (row["reference"], row["type"], row["status"]) == (case.reference, "erasure", "working")
    assert row["received_at"] == f"{case.received_at:%Y-%m-%dT%H:%M:%S}Z"
    assert (row["due_on"], row["assignee"], row["tags"]) == (due_on.isoformat(), "pia", "press; vip")
    assert (row["answers"], row["approved_by"], row["outcome"]) == ("Shop: queued", "pia", "")
    assert "ada" not in str(row)


def test_a_duplicate_names_the_case_that_goes_on() -> None:
    processor()
    kept, case = ready_case(), ready_case()
    duplicates.close(case, kept=kept, actor=actor("agnes"))
    (row,) = taken(browser("agnes"), query="status=closed")
    assert (row["reference"], row["outcome"], row["duplicate_of"]) == (
        case.reference,
        "duplicate",
        kept.reference,
    )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "type__exact=access",
        "status=closed",
        "status=all",
        "assignee=me",
        "tag=vip",
        "due=overdue",
        "stuck=1",
        "risk=1",
        "duplicate=1",
        "status=all&o=-1",
        "type__exact=access&p=2",
    ],
)
def test_the_rows_are_those_of_the_list_in_its_order(query: str) -> None:
    processor()
    agnes = actor("agnes")
    for number in range(6):
        case = (open_case, ready_case)[number % 2](
            type=("access", "erasure")[number % 3 == 0],
            received_at=timezone.now() - timedelta(days=number * 9),
            identities=[("email", f"{number // 3}@example.org")],
        )
        if number == 2:
            assigning.assign(case, actor=agnes, assignee=account("agnes"), seen=None)
            assigning.tag(case, actor=agnes, names=["vip"])
    approval.deny(open_case(), actor=actor("pia"), reason="legal_obligation")
    client = browser("agnes")
    shown = client.get(f"{LIST}?{query.replace('&p=2', '')}").context["cl"].result_list
    assert [row["reference"] for row in taken(client, query=query)] == [case.reference for case in shown]
    assert exports()[-1].details["count"] == len(shown)


def test_it_goes_on_where_the_page_of_the_list_ends() -> None:
    processor()
    for number in range(53):
        open_case(identities=[("email", f"{number}@example.org")])
    client = browser("agnes")
    assert len(client.get(LIST).context["cl"].result_list) == 50
    rows = taken(client, query="p=2")
    assert len({row["reference"] for row in rows}) == 53


# --- identities


def test_identities_are_what_was_typed_one_event_a_case() -> None:
    processor()
    typed = [("email", "Ada.Lovelace@Example.org"), ("other", " x\ty "), ("mobile_number", "+491701234567")]
    ada, bob = open_case(identities=typed), open_case(identities=[("email", "bob@example.org")])
    rows = {row["reference"]: row for row in taken(browser("agnes"), **WITH_IDENTITIES)}
    row = rows[ada.reference]
    assert (row["email"], row["other"]) == ("Ada.Lovelace@Example.org", " x\ty ")
    assert row["mobile_number"] == "'+491701234567", "text for a spreadsheet, not a sum"
    assert rows[bob.reference]["email"] == "bob@example.org"
    assert set(IdentityType.values) <= set(row)
    (export,) = exports()
    assert (export.reason, export.details["identities"]) == ("answer_person", True)
    for case, count in ((ada, 3), (bob, 1)):
        event = AuditEvent.objects.get(case=case, action=Action.IDENTITIES_REVEALED)
        assert (event.details["identities"], event.details["export"]) == (count, export.pk)
        assert (event.reason, event.actor_label, event.address) == ("answer_person", "agnes", "192.0.2.7")
        assert audit.verify(f"case:{case.pk}") == []
    assert "example.org" not in str(list(AuditEvent.objects.values_list("canonical", flat=True)))


def test_several_of_one_kind_share_a_cell() -> None:
    processor()
    open_case(identities=[("email", "a@example.org"), ("email", "b@example.org")])
    (row,) = taken(browser("agnes"), **WITH_IDENTITIES)
    assert row["email"] == "a@example.org\nb@example.org"


def test_without_a_reason_nothing_goes_out() -> None:
    processor()
    open_case()
    for reason in ("", "because"):
        answer = browser("agnes").post(EXPORT, {"identities": "on", "reason": reason})
        assert "Fix the fields marked below." in answer.content.decode()
    assert not AuditEvent.objects.filter(
        action__in=[Action.LIST_EXPORTED, Action.IDENTITIES_REVEALED]
    ).exists()


def test_what_cannot_be_read_any_more_is_left_out_and_said_to_be_revealed_nowhere() -> None:
    processor()
    case = open_case(identities=[("email", "ada@example.org")])
    case.subject.data_key.destroy()
    (row,) = taken(browser("agnes"), **WITH_IDENTITIES)
    assert row["email"] == ""
    event = AuditEvent.objects.get(case=case, action=Action.IDENTITIES_REVEALED)
    assert event.details["identities"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_was_given_is_in_the_trail_even_if_the_download_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cases.services.worklist.exporting.REVEALED", 2)
    monkeypatch.setattr("dsrportal.spreadsheet._CHUNK", 1)
    processor()
    for number in range(6):
        open_case(identities=[("email", f"{number}@example.org")])
    answer: Any = browser("agnes").post(EXPORT, WITH_IDENTITIES)
    chunks = iter(answer.streaming_content)
    given = next(chunks) + next(chunks) + next(chunks)
    answer.close()
    revealed = AuditEvent.objects.filter(action=Action.IDENTITIES_REVEALED)
    cases = {case.reference for case in Case.objects.filter(audit_events__in=revealed)}
    out = {line.split(",")[0] for line in given.decode("utf-8-sig").splitlines()[1:]}
    assert out <= cases, "no row leaves before its event is written"
    assert 2 <= len(cases) < 6, "nor is an event written for what was never given"
    assert exports()[0].details["count"] == 6


# --- the other lists


@pytest.mark.parametrize(
    ("listed", "may", "made", "column"),
    [
        ("cases_attentionitem", {"agnes", "pia", "otto", "ivy", "adam"}, with_item, "what"),
        ("cases_manualtask", READ_CASES, with_task, "case"),
        ("cases_callbackdelivery", {"agnes", "pia", "otto", "ivy", "adam"}, deliver, "verdict"),
        ("integrations_processor", {"otto", "ivy", "adam"}, lambda: None, "name"),
        ("dsrportal_user", {"otto", "adam"}, lambda: None, "username"),
    ],
)
def test_every_list_goes_out_to_whoever_may_see_it(
    listed: str, may: set[str], made: Callable[[], Any], column: str
) -> None:
    processor(name="Shop") if made is not deliver else None
    made()
    for name in ROLE_OF:
        client = browser(name)
        if name not in may:
            assert client.post(address(listed)).status_code == 403
            continue
        cl = client.get(reverse(f"admin:{listed}_changelist")).context["cl"]
        rows = taken(client, address(listed))
        assert len(rows) == len(cl.result_list)
        assert all(row[column] for row in rows)
        assert exports()[-1].details["count"] == len(rows)
    assert client.get(address(listed)).status_code == 405, "an export is an event, so no link makes one"
    assert {event.actor_label for event in exports()} == may


def test_items_about_cases_stay_with_those_who_may_see_cases() -> None:
    processor()
    with_item()
    assert taken(browser("ivy"), address("cases_attentionitem")) == []
    assert len(taken(browser("agnes"), address("cases_attentionitem"))) == 1


def test_no_credential_leaves_with_the_processors() -> None:
    processor(credentials={"workspace_key": "key-of-ours", "workspace_secret": "secret-of-ours"})
    (row,) = taken(browser("ivy"), address("integrations_processor"))
    assert "of-ours" not in str(row)
    assert row["account"] == "4302"


# --- the trail says how a list was narrowed, and repeats nothing that was typed


def test_filters_are_kept_as_codes_and_what_was_typed_is_not() -> None:
    processor()
    case = open_case()
    assigning.tag(case, actor=actor("agnes"), names=["vip"])
    client = browser("agnes")
    taken(client, query="status=ready&type__exact=access&tag=vip&risk=1")
    taken(client, query="tag=ada%40example.org&type__exact=ada%40example.org")
    known, typed = exports()
    assert sorted(known.details["filters"]) == ["risk=1", "status=ready", "tag=vip", "type__exact=access"]
    assert known.sentence.startswith("Exported the list cases, rows: 0, filters: ")
    assert "example" not in str(typed.details) + typed.canonical
    taken(browser("adam"), address("dsrportal_user"), query="q=ada%40example.org")
    assert exports()[-1].details["filters"] == ["search"]


def test_a_list_that_cannot_be_narrowed_so_is_not_exported() -> None:
    answer = browser("agnes").post(f"{EXPORT}?no_such_field=1", follow=True)
    assert said(answer) == ["Nothing was exported. These filters are not valid."]
    assert not exports()


@pytest.mark.parametrize("name", ["=1+1", "@SUM", "+x", "-x"])
def test_no_name_is_run_as_a_formula(name: str) -> None:
    User.objects.create_user(name)
    names = [row["username"] for row in taken(browser("adam"), address("dsrportal_user"))]
    assert f"'{name}" in names


# --- memory and time


def peak(client: Client) -> tuple[int, int]:
    """Rows of the users' list, and the most memory (bytes) that giving them took."""
    tracemalloc.start()
    answer: Any = client.post(address("dsrportal_user"))
    lines = 0
    gc.freeze()  # what was there before need not be searched each time
    for chunk in answer.streaming_content:
        lines += chunk.count(b"\r\n")
        gc.collect()  # what is only waiting to be freed is not held
    gc.unfreeze()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return lines - 1, most


def test_memory_does_not_grow_with_the_rows() -> None:
    def more(start: int, end: int) -> None:
        User.objects.bulk_create(
            (User(username=f"person-{number:06d}", first_name="x" * 100) for number in range(start, end)),
            batch_size=2000,
        )

    client = browser("adam")
    more(0, 1500)
    peak(client)  # what is loaded once is loaded
    few, little = peak(client)
    more(1500, 9000)
    many, most = peak(client)
    assert (few, many) == (1501, 9001)
    # A row that were kept would take more than twice that.
    assert most - little < 7500 * 500


def test_the_first_rows_leave_before_the_last_are_read() -> None:
    User.objects.bulk_create(User(username=f"person-{number:06d}") for number in range(3000))
    answer: Any = browser("adam").post(address("dsrportal_user"))
    with CaptureQueriesContext(connection) as captured:
        next(iter(answer.streaming_content))
    first = len(captured)
    with CaptureQueriesContext(connection) as captured:
        b"".join(answer.streaming_content)
    assert 1 <= first < len(captured)


def test_queries_do_not_grow_with_the_cases(django_assert_max_num_queries: Any) -> None:
    processor()
    for number in range(12):
        open_case(identities=[("email", f"{number}@example.org")])
    client = browser("agnes")
    with django_assert_max_num_queries(30):
        assert len(taken(client)) == 12
    assert SubjectIdentity.objects.count() == 12


def test_each_list_shows_its_button() -> None:
    client = browser("adam")
    for listed in (
        "cases_case",
        "cases_attentionitem",
        "cases_manualtask",
        "cases_callbackdelivery",
        "cases_auditevent",
        "integrations_processor",
        "dsrportal_user",
    ):
        html = client.get(reverse(f"admin:{listed}_changelist")).content.decode()
        assert html.count(address(listed)) == 1, listed
    assert builders.PASSWORD not in html
