"""Work on many cases at the desk: ticked or all that match, previewed, confirmed, watched, tried again and undone."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.bulk import verbs as bulk_verbs
from cases.admin.bulk import words as bulk_words
from cases.lifecycle import CaseStatus
from cases.models import AuditEvent, BulkRow, BulkRun, BulkState, Case, RowState
from cases.services.bulk import rules as bulk_rules
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from dsrportal.models import User
from tests.builders import actor, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said
from tests.cases.admin.worklist.test_changelist import LIST, SEARCH

pytestmark = pytest.mark.django_db

RUNS = reverse("admin:cases_bulkrun_changelist")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor(name="Shop")


def some(count: int, **more: Any) -> list[Case]:
    return [ready_case(identities=[("email", f"p{number}@example.org")], **more) for number in range(count)]


def address(verb: str, query: str = "") -> str:
    return reverse("admin:cases_case_bulk", args=[verb]) + query


def ticked(cases: Sequence[Case]) -> dict[str, Any]:
    return {"case": [case.pk for case in cases]}


def preview(client: Client, verb: str, chosen: dict[str, Any], query: str = "", **form: Any) -> BulkRun:
    """Through both pages to the frozen run."""
    assert client.post(address(verb, query), chosen).status_code == 200
    answer = client.post(address(verb, query), {**chosen, "filled_in": "1", **form})
    run = BulkRun.objects.latest("created_at")
    assert answer.headers["Location"] == page(run)
    return run


def page(run: BulkRun) -> str:
    return reverse("admin:cases_bulkrun_change", args=[run.pk])


def do(client: Client, run: BulkRun, act: str) -> list[str]:
    return said(client.post(reverse("admin:cases_bulkrun_do", args=[run.pk, act]), follow=True))


def text(client: Client, run: BulkRun, query: str = "") -> str:
    """What stands on the page of a run, without its markup."""
    answer = client.get(page(run) + query)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


# --- choosing


def test_the_list_has_ticks_and_verbs_for_who_may_use_them_and_none_for_who_may_not() -> None:
    case = some(1)[0]
    tick = f'<input type="checkbox" name="case" value="{case.pk}" aria-label="Select {case.reference}">'

    def offered(name: str) -> list[str]:
        html = browser(name).get(f"{LIST}?status=ready").content.decode()
        assert (tick in html) == bool(name != "otto")
        return re.findall(r'formaction="/admin/cases/case/bulk/(\w+)/\?status=ready"', html)

    assert offered("agnes") == ["verify", "assign", "tag", "cancel", "close"]
    assert offered("pia") == ["assign", "tag", "approve", "deny", "cancel", "close"]
    assert offered("otto") == []


def test_what_is_ticked_is_previewed_confirmed_and_done() -> None:
    first, second, third = some(3)
    pia = browser("pia")
    run = preview(pia, "approve", ticked([first, second]))
    words = text(pia, run)
    assert "Erasure · GDPR 2" in words
    assert "Shop 2" in words
    assert "After that, 2 erasures and corrections wait for 10 minutes and can be undone until then." in words
    assert Case.objects.filter(status=CaseStatus.READY).count() == 3
    assert do(pia, run, "confirm") == ["Started."]
    bulk_work.work(run.pk)
    assert set(Case.objects.filter(status=CaseStatus.WORKING)) == {first, second}
    third.refresh_from_db()
    assert third.status == CaseStatus.READY
    words = text(pia, run)
    assert "Done 2" in words
    assert "It can be undone until then" in words


def test_all_that_match_is_the_list_s_own_query_and_never_what_the_browser_says() -> None:
    cases = some(3)
    access = ready_case(type="access", identities=[("email", "a@example.org")])
    opened = open_case(identities=[("email", "o@example.org")])
    run = preview(
        browser("pia"),
        "approve",
        {"everything": "1", "case": [opened.pk]},
        "?status=ready&type__exact=erasure&p=2",
    )
    assert set(run.rows.values_list("case", flat=True)) == {case.pk for case in cases}
    assert access.pk not in run.rows.values_list("case", flat=True)


def test_the_result_of_a_search_and_a_due_date_are_such_queries_too() -> None:
    ada = open_case(identities=[("email", "ada@example.org")])
    old = open_case(
        regulation="ccpa",
        received_at=timezone.now() - timedelta(days=50),
        identities=[("email", "old@example.org")],
    )
    agnes = browser("agnes")
    found = agnes.post(SEARCH, {"sought": "ada@example.org"}).headers["Location"].partition("?")[2]
    run = preview(agnes, "tag", {"everything": "1"}, f"?{found}", add="vip")
    assert [row.case for row in run.rows.select_related("case")] == [ada]
    run = preview(agnes, "tag", {"everything": "1"}, "?due=overdue", add="late")
    assert [row.case for row in run.rows.select_related("case")] == [old]
    # Of somebody else's search nobody knows what it found.
    answer = browser("pia").post(address("tag", f"?{found}"), {"everything": "1"}, follow=True)
    assert "Select cases first, or choose all that match." in " ".join(said(answer))


def test_nothing_ticked_too_many_and_nonsense_lead_back_to_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    some(3)
    agnes = browser("agnes")
    answer = agnes.post(address("tag", "?status=ready"), {"case": ["x", "99999999"]}, follow=True)
    assert said(answer) == ["Select cases first, or choose all that match."]
    assert answer.redirect_chain[0][0] == f"{LIST}?status=ready"
    answer = agnes.post(address("tag", "?opened_by__password=x"), {"everything": "1"})
    assert answer.status_code == 302
    assert said(agnes.get(LIST)) == ["These filters are not valid."]
    monkeypatch.setattr(bulk_runs, "MOST_CASES", 2)
    answer = agnes.post(address("tag"), {"everything": "1"}, follow=True)
    assert said(answer) == ["More than 2 cases match. Filter the list first."]
    assert agnes.post(address("reopen")).status_code == 404
    assert not BulkRun.objects.exists()


def test_a_form_that_is_not_whole_is_asked_again_and_keeps_what_was_chosen() -> None:
    case = some(1)[0]
    pia = browser("pia")
    answer = pia.post(address("deny"), {**ticked([case]), "filled_in": "1", "text": "Because."})
    html = answer.content.decode()
    assert "Enter a reason." in html
    assert "Because." in html
    assert f'<input type="hidden" name="case" value="{case.pk}">' in html
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize(
    ("name", "verb"), [("agnes", "approve"), ("pia", "verify"), ("otto", "tag"), ("ivy", "tag")]
)
def test_a_verb_that_is_not_one_s_own_is_refused(name: str, verb: str) -> None:
    case = some(1)[0]
    answer = browser(name).post(address(verb), {**ticked([case]), "filled_in": "1"})
    assert answer.status_code == 403
    assert not BulkRun.objects.exists()


def test_each_verb_has_the_permission_of_the_one_for_a_single_case() -> None:
    for verb in bulk_verbs.BULK_VERBS:
        assert verb.permission == bulk_rules.RULES[verb.name].permission


def test_every_reason_to_leave_a_case_out_has_words() -> None:
    account("pia")
    codes = {
        exclusion.code
        for rule in bulk_rules.RULES.values()
        for exclusion in rule.left_out(actor("pia"), {"assignee": None})
    }
    assert codes == set(bulk_words.LEFT_OUT)


# --- the page of a run


def test_those_left_out_stand_there_with_the_reason() -> None:
    own = ready_case(by="pia", identities=[("email", "own@example.org")])
    opened = open_case()
    pia = browser("pia")
    run = preview(pia, "approve", ticked([own, opened, *some(1)]))
    words = text(pia, run)
    assert "Requires a second person: whoever started this opened, verified or last changed the case" in words
    assert "Not ready for approval 1" in words
    narrowed = text(pia, run, "?state=left_out")
    assert own.reference in narrowed
    assert len(list(run.rows.filter(state=RowState.WAITING))) == 1
    assert "Approve: 1 case" in words


def test_refused_rows_are_told_and_tried_again_by_who_started_it() -> None:
    case = some(1)[0]
    pia = browser("pia")
    run = preview(pia, "approve", ticked([case]))
    user = User.objects.get(username="pia")
    do(pia, run, "confirm")
    role = user.groups.get()
    user.groups.clear()
    bulk_work.work(run.pk)
    user.groups.add(role)
    assert "The user who started this no longer has permission to do it." in text(pia, run)
    assert do(browser("adam"), run, "retry")[0].startswith(
        "Only the user who created the preview can confirm it, because it is based on their permissions."
    )
    assert do(pia, run, "retry") == ["Retrying."]
    bulk_work.work(run.pk)
    assert "Refused" not in text(pia, run)
    assert run.rows.get().state == RowState.DONE


def test_one_row_is_undone_from_the_page_by_another_approver_and_by_nobody_else() -> None:
    first, second = some(2)
    pia = browser("pia")
    run = preview(pia, "approve", ticked([first, second]))
    do(pia, run, "confirm")
    bulk_work.work(run.pk)
    row = BulkRow.objects.get(run=run, case=first)
    undo = reverse("admin:cases_bulkrun_undo", args=[run.pk, row.pk])
    assert undo in browser("adam").get(page(run)).content.decode()
    for name, status in (("agnes", 403), ("otto", 403), ("charlie", 403)):
        client = browser(name)
        assert client.post(undo).status_code == status
        if name != "charlie":
            assert undo not in client.get(page(run)).content.decode()
    answer = browser("adam").post(undo, follow=True)
    assert said(answer) == [f"The approval of {first.reference} was undone."]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (CaseStatus.READY, CaseStatus.WORKING)
    assert said(browser("adam").post(undo, follow=True)) == ["There is nothing left to undo."]
    assert do(pia, run, "undo") == ["Undoing. No more of these requests will be sent."]
    bulk_work.work(run.pk)
    second.refresh_from_db()
    assert second.status == CaseStatus.READY


def test_while_it_runs_a_part_of_the_page_is_fetched_anew_until_it_has_ended() -> None:
    some(2)
    pia = browser("pia")
    run = preview(pia, "approve", {"everything": "1"})
    do(pia, run, "confirm")
    progress = reverse("admin:cases_bulkrun_progress", args=[run.pk])
    assert f'data-live="{progress}"' in pia.get(page(run)).content.decode()
    part = pia.get(progress).content.decode()
    assert 'max="2" value="0"' in part
    assert "data-finished" not in part
    bulk_work.work(run.pk)
    assert "data-finished" in pia.get(progress).content.decode()
    html = pia.get(page(run)).content.decode()
    assert "data-live" not in html
    assert "Done" in html


def test_the_note_is_in_no_page_and_no_address_of_the_run() -> None:
    case = some(1)[0]
    pia = browser("pia")
    run = preview(pia, "deny", ticked([case]), reason="legal_obligation", text="Ada Lovelace’s file")
    do(pia, run, "confirm")
    bulk_work.work(run.pk)
    assert "Lovelace" not in pia.get(page(run)).content.decode()
    assert not AuditEvent.objects.filter(canonical__contains="Lovelace").exists()
    assert case.notes.get().text == "Ada Lovelace’s file"


def test_pages_ask_equally_often_for_few_rows_and_for_many() -> None:
    pia = browser("pia")

    def queries(run: BulkRun) -> list[int]:
        found = []
        for where in (page(run), RUNS, reverse("admin:cases_bulkrun_progress", args=[run.pk])):
            with CaptureQueriesContext(connection) as captured:
                assert pia.get(where).status_code == 200
            found.append(len(captured))
        return found

    def approved(count: int) -> list[int]:
        run = preview(pia, "approve", ticked(some(count)))
        before = queries(run)
        do(pia, run, "confirm")
        bulk_work.work(run.pk)
        return [*before, *queries(run)]

    approved(1)
    few = approved(1)
    assert approved(6) == few
    assert max(few) <= 30


def test_a_long_run_is_leafed_through() -> None:
    case = some(1)[0]
    pia = browser("pia")
    run = preview(pia, "approve", ticked([case]))
    BulkRun.objects.filter(pk=run.pk).update(total=101)
    html = pia.get(page(run)).content.decode()
    assert "1 of 3" in html
    assert "?p=2#rows" in html
    assert pia.get(page(run) + "?p=9&state=nonsense").status_code == 200


def test_the_list_of_runs_says_what_came_of_them() -> None:
    some(2)
    pia = browser("pia")
    empty = pia.get(RUNS).content.decode()
    assert "Select cases in the list of cases, or take all that match." in empty
    run = preview(pia, "approve", {"everything": "1"})
    do(pia, run, "confirm")
    bulk_work.work(run.pk)
    html = browser("otto").get(RUNS).content.decode()
    assert page(run) in html
    assert str(BulkState.DONE.label) in html
    assert browser("ivy").get(RUNS).status_code == 403
    account("charlie")
    assert browser("charlie").get(page(run)).status_code == 403
