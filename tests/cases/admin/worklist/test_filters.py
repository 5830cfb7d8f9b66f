"""Everything that the list of cases can be narrowed by, one filter at a time and together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import AttentionKind, Case, ProcessorRequest
from cases.services import attention
from cases.services.planning import approval
from cases.services.worklist import assigning
from dsrportal.sentence import Sentence
from tests.builders import actor, approved_case, manual, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def shown(client: Client, query: str) -> set[str]:
    answer: Any = client.get(f"{LIST}?{query}", follow=True)
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == len(answer.context["cl"].result_list)
    return {case.reference for case in answer.context["cl"].result_list}


def received(moment: datetime, **more: Any) -> Case:
    case = open_case(**more)
    Case.objects.filter(pk=case.pk).update(received_at=moment)
    return case


def denied(*, late: bool = False, reason: str = "legal_obligation") -> Case:
    case = approval.deny(open_case(), actor=actor("pia"), reason=reason)
    if late:
        case.clocks.update(due_at=timezone.now() - timedelta(days=1))
    return case


def test_by_regulation_type_and_assignee() -> None:
    gdpr, ccpa = open_case(type="access"), open_case(regulation="ccpa")
    assigning.assign(ccpa, actor=actor("agnes"), assignee=account("pia"), seen=None)
    client = browser("agnes")
    assert shown(client, "regulation__exact=gdpr") == {gdpr.reference}
    assert shown(client, "type__exact=access") == {gdpr.reference}
    assert shown(client, f"assignee={account('pia').pk}") == {ccpa.reference}
    assert shown(client, "assignee=nobody&type__exact=erasure") == set()
    assert shown(browser("pia"), "assignee=me") == {ccpa.reference}


def test_by_processor_as_long_as_it_is_asked() -> None:
    archive = manual()
    case = ready_case()
    dropped = ready_case(identities=[("email", "b@example.org")])
    ProcessorRequest.objects.filter(case=dropped, processor=archive).update(status="cancelled")
    client = browser("agnes")
    assert shown(client, f"processor={archive.pk}") == {case.reference}
    assert shown(client, "processor=nonsense") == set()


def test_by_tag_and_by_follow_up() -> None:
    tagged, other = open_case(), open_case()
    assigning.tag(tagged, actor=actor("agnes"), names=["press"])
    tomorrow = timezone.localdate() + timedelta(days=1)
    assigning.defer(other, actor=actor("agnes"), until=tomorrow)
    client = browser("agnes")
    assert shown(client, "tag=press") == {tagged.reference}
    assert shown(client, "tag=unknown") == set()
    assert shown(client, "follow_up=later") == {other.reference}
    assert shown(client, "follow_up=due") == {tagged.reference}


def test_how_cases_ended_asks_for_closed_ones() -> None:
    open_case()
    in_time, late, unverified = denied(), denied(late=True), denied(reason="not_verified")
    client = browser("agnes")
    assert shown(client, "outcome=denied") == {in_time.reference, late.reference}
    assert shown(client, "outcome=not_verified") == {unverified.reference}
    assert shown(client, "closed=late") == {late.reference}
    assert shown(client, "closed=in_time&outcome=denied") == {in_time.reference}
    assert shown(client, "outcome=denied&status=ready") == set()
    assert "<strong>Closed</strong>" in client.get(f"{LIST}?outcome=denied").content.decode()


def test_days_are_days_in_the_zone_of_who_looks() -> None:
    late_evening = received(datetime(2026, 5, 31, 22, 30, tzinfo=UTC))
    morning = received(datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
    agnes = account("agnes")
    agnes.time_zone = "Europe/Berlin"  # there it was 1 June already
    agnes.save()
    client = browser("agnes")
    assert shown(client, "received_from=2026-06-01") == {late_evening.reference, morning.reference}
    assert shown(client, "received_to=2026-05-31") == set()
    assert shown(browser("pia"), "received_to=2026-05-31") == {late_evening.reference}
    assert shown(browser("pia"), "received_from=2026-05-31&received_to=2026-05-31") == {
        late_evening.reference
    }


def test_by_the_legal_date_and_by_the_day_of_closing() -> None:
    case, closed = open_case(regulation="ccpa"), denied()
    due_on = case.clocks.get().due_on
    today = timezone.localdate()
    client = browser("agnes")
    assert shown(client, f"due_from={due_on}&due_to={due_on}") == {case.reference}
    assert shown(client, f"due_from={due_on + timedelta(days=1)}") == set()
    assert shown(client, f"closed_from={today}&closed_to={today}") == {closed.reference}
    assert shown(client, f"closed_to={today - timedelta(days=1)}") == set()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("received_from=31.5.2026", "Received: this is not a valid date. Enter one such as 2026-05-31."),
        ("due_to=2026-02-30", "Due date: this is not a valid date. Enter one such as 2026-05-31."),
        ("closed_from=0001-01-01", "Closed on: this is not a valid date. Enter one such as 2026-05-31."),
        ("closed_to=9999-12-31", "Closed on: this is not a valid date. Enter one such as 2026-05-31."),
        (
            "received_from=2026-06-02&received_to=2026-06-01",
            "Received: the first day is after the last day.",
        ),
    ],
)
def test_a_wrong_date_is_one_sentence_and_shows_nothing(query: str, sentence: str) -> None:
    """Not everything instead: what stands in the list may be exported, or worked as a whole."""
    open_case()
    answer = browser("agnes").get(f"{LIST}?{query}")
    assert said(answer) == [f"{sentence} No results are shown."]
    assert answer.context["cl"].queryset.count() == 0


def test_only_what_an_approver_may_approve_is_theirs() -> None:
    by_agnes, by_pia = ready_case(), ready_case(by="pia")
    access_by_pia = ready_case(type="access", by="pia")
    assert shown(browser("pia"), "approval=1") == {by_agnes.reference, access_by_pia.reference}
    assert by_pia.reference in shown(browser("pia"), "status=ready")
    # Who approves nothing has nothing to approve, whatever the address says.
    assert shown(browser("agnes"), "approval=1") == set()
    assert "Waiting for my approval" not in browser("agnes").get(LIST).content.decode()


def test_what_waits_for_a_silent_processor() -> None:
    quiet = processor(name="Quiet", account="4303", workspace=1)
    waiting = approved_case()
    ProcessorRequest.objects.filter(case=waiting).update(status="pending", sent_at=timezone.now())
    open_case()
    client = browser("agnes")
    assert shown(client, "silent=1") == set()
    attention.open_item(AttentionKind.SILENT, Sentence("No word."), actor=actor("agnes"), processor=quiet)
    assert shown(client, "silent=1") == {waiting.reference}


def test_fields_of_the_panel_that_were_left_empty_are_not_in_the_address() -> None:
    answer = browser("agnes").get(f"{LIST}?tag=&outcome=&regulation__exact=gdpr&received_from=")
    assert answer.headers["Location"] == f"{LIST}?regulation__exact=gdpr"


def test_what_the_panel_is_set_to_stands_in_the_row_and_is_taken_away_there() -> None:
    open_case()
    answer: Any = browser("agnes").get(f"{LIST}?due=7&due_from=2026-01-01&regulation__exact=gdpr")
    told = [(str(each.title), each.words, each.address) for each in answer.context["cl"].chosen]
    assert told == [
        ("Regulation", "GDPR", "?due=7&due_from=2026-01-01"),
        ("Due date", "from 01 Jan 2026", "?due=7&regulation__exact=gdpr"),
    ]


@pytest.mark.parametrize("sort", ["due", "reference", "received"])
def test_it_is_sorted_both_ways_by_a_word_in_the_address(sort: str) -> None:
    now = timezone.now()
    ages = {days: open_case(regulation="ccpa", received_at=now - timedelta(days=days)) for days in (3, 9, 1)}
    order = [3, 9, 1] if sort == "reference" else [9, 3, 1]
    client = browser("agnes")

    def references(query: str) -> list[str]:
        answer: Any = client.get(f"{LIST}?{query}")
        return [case.reference for case in answer.context["cl"].result_list]

    expected = [ages[days].reference for days in order]
    assert references(f"sort={sort}") == expected
    assert references(f"sort=-{sort}") == expected[::-1]


def test_a_heading_sorts_by_its_name_whatever_columns_stand_before_it() -> None:
    open_case()
    html = browser("agnes").get(f"{LIST}?status=intake").content.decode()
    assert "?sort=reference&amp;status=intake" in html
    assert "?sort=-due&amp;status=intake" in html
    assert "?o=" not in html
