"""The page of one case: everything about it, top to bottom, and only what this person may do."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.sections.requests import remarks
from cases.admin.verbs.table import BY_NAME
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services import attention, progress
from cases.services.person import verification
from cases.services.planning import approval
from cases.services.processors import accounts
from cases.services.worklist import assigning
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.models import Processor
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def page(case: Case, name: str = "agnes") -> str:
    answer = browser(name).get(reverse("admin:cases_case_change", args=[case.pk]))
    assert answer.status_code == 200
    return str(answer.content.decode())


def verbs(case: Case, name: str) -> set[str]:
    """What the page offers this person."""
    answer = browser(name).get(reverse("admin:cases_case_change", args=[case.pk]))
    shown = answer.context["page"]
    first = {shown.next_step.verb.name} if shown.next_step.verb else set()
    return {verb.name for verb in shown.menu} | first


def needs_attention(case: Case, target: Processor) -> AttentionItem:
    with progress.locked(case.pk) as locked:
        attention.open_item(
            AttentionKind.CONFLICT, Sentence("Another is in the way."), actor=actor("agnes"), case=locked
        )
        progress.settle(locked, actor=actor("agnes"))
    return AttentionItem.objects.get(case=case)


def test_it_shows_masked_identities_only() -> None:
    case = ready_case(
        identities=[("email", "Ada.Lovelace@Example.org"), ("controller_customer_id", "C-20417")]
    )
    shown = page(case)
    assert "A•••@E•••.org" in shown
    assert "Lovelace" not in shown
    assert "C-20417" not in shown


def test_it_reads_from_the_clock_to_the_timeline() -> None:
    case = approved_case(skip_waiting_period=True)
    request = ProcessorRequest.objects.get(case=case)
    shown = page(case)
    for words in (
        case.reference,
        "One month from receipt (GDPR Art 12(3))",
        "Waiting period skipped",
        "Queued for Sandbox 0 since",
        str(request.pk),
        "Approved the plan",
        "Opened by agnes",
        "times in UTC",
    ):
        assert words in shown


def test_times_are_in_the_zone_of_who_looks() -> None:
    case = open_case(received_at=timezone.now().replace(year=2026, month=1, day=5, hour=10, minute=15))
    account("agnes")
    User.objects.filter(username="agnes").update(time_zone="Asia/Tokyo")
    shown = page(case)
    assert "05 Jan 2026, 19:15" in shown
    assert "times in Asia/Tokyo" in shown


def test_notes_are_shown_and_the_timeline_points_at_them() -> None:
    case = open_case()
    verification.record(case, actor=actor("agnes"), method="signed_in", text="Seen <b>at the counter</b>.")
    note = case.notes.get()
    shown = page(case)
    assert "Seen &lt;b&gt;at the counter&lt;/b&gt;." in shown
    assert f'href="#note-{note.pk}"' in shown


# What whoever works or decides an open case may always do.
WORK = {"hand", "defer", "tags"}


def test_what_is_due_now_is_one_button_and_depends_on_who_looks() -> None:
    fresh, ready, working = open_case(), ready_case(), approved_case()
    assert verbs(fresh, "agnes") == {"verify", "withdraw", *WORK}
    assert verbs(fresh, "pia") == {"deny", *WORK}
    assert verbs(ready, "agnes") == {"withdraw", *WORK}
    assert verbs(ready, "pia") == {"approve", "deny", *WORK}
    assert verbs(working, "agnes") == {"plan", "refresh", "cancel", *WORK}
    for case in (fresh, ready, working):
        assert verbs(case, "otto") == set()


def test_verification_is_not_offered_where_the_law_forbids_to_ask_for_it() -> None:
    offered = [
        BY_NAME["verify"].due(Case(type=kind, status=CaseStatus.INTAKE), [])
        for kind in ("opt_out", "erasure")
    ]
    assert offered == [False, True]


def test_who_opened_an_erasure_reads_why_they_cannot_approve_it() -> None:
    account("adam")
    case = ready_case(by="adam")
    assert "Whoever opened, verified or last changed an erasure or correction cannot approve it." in page(
        case, "adam"
    )
    shown = browser("adam").get(reverse("admin:cases_case_change", args=[case.pk])).context["page"]
    assert shown.next_step.verb is None


def test_a_closed_case_says_how_it_ended_and_can_be_reopened_by_an_approver() -> None:
    case = open_case()
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    assert "Outcome: Denied." in page(case)
    assert verbs(case, "pia") == {"reopen"}
    assert verbs(case, "agnes") == set()


def test_an_open_attention_item_is_a_banner_with_its_way_out(target: Processor) -> None:
    case = approved_case()
    item = needs_attention(case, target)
    address = reverse("admin:cases_case_verb_on", args=[case.pk, "resolve", item.pk])
    assert "Another is in the way." in page(case)
    assert address in page(case, "agnes")
    assert address not in page(case, "pia")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lease_until": 60, "attempts": 1}, "Being processed right now."),
        ({"attempts": 1}, "The processor is asked for the status of this ID before anything is sent again."),
        ({"cancel_requested_at": 0}, "The processor has not confirmed it yet."),
        ({"last_error": "unreachable", "attempts": 1}, "the connection broke before a response arrived"),
        ({"last_error": "unexpected_answer", "last_http_status": 502, "attempts": 1}, "(HTTP 502)"),
        ({"last_error": "from_the_future", "attempts": 1}, "Last attempt: from the future."),
        ({"last_error": "not_sent", "next_attempt_at": 90}, "Next attempt within 2 minutes."),
    ],
)
def test_what_a_status_does_not_say_is_said_in_words(fields: dict[str, Any], words: str) -> None:
    now = timezone.now()
    moments = {"lease_until", "cancel_requested_at", "next_attempt_at"}
    values = {k: now + timedelta(seconds=v) if k in moments else v for k, v in fields.items()}
    request = ProcessorRequest(processor=Processor(name="P"), status=RequestStatus.QUEUED, **values)
    assert words in " ".join(sentence for _tone, sentence in remarks(request, now=now))


def test_a_paused_processor_is_said_on_case_and_first_page(target: Processor) -> None:
    case = approved_case()
    accounts.pause(target, actor=actor("ivy"), reason="by_hand")
    assert "The processor is paused" in page(case)
    assert ". The processor is paused." in page(case)
    assert "An integration manager" in page(case)
    assert "Sandbox 0 has been paused" in browser("agnes").get(reverse("admin:index")).content.decode()


def test_a_case_that_will_miss_its_date_says_so_until_it_has(target: Processor) -> None:
    now = timezone.now()
    early = ready_case(regulation="ccpa", received_at=now - timedelta(days=2))
    tight = ready_case(regulation="ccpa", received_at=now - timedelta(days=40))
    missed = ready_case(regulation="ccpa", received_at=now - timedelta(days=50))
    assert ["may not respond until" in page(case) for case in (early, tight, missed)] == [False, True, False]


def test_a_group_of_its_own_is_shown() -> None:
    assert "group spring-2026" in page(open_case(group_name="spring-2026"))
    assert "· group" not in page(open_case())


def test_a_destroyed_key_leaves_a_page_that_can_still_be_read() -> None:
    case = open_case()
    verification.record(case, actor=actor("agnes"), method="signed_in", text="Seen.")
    case.subject.data_key.destroy()
    case.data_key.destroy()
    shown = page(case)
    assert "can no longer be read" in shown
    assert "Recorded verification" in shown


def test_it_asks_the_database_equally_often_however_many_requests() -> None:
    client = browser("agnes")

    def queries(case: Case) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:cases_case_change", args=[case.pk]))
        return len(captured)

    one = approved_case()
    many = approved_case(identities=[("email", f"p{number}@example.org") for number in range(6)])
    queries(one)  # how fast each queue moves is asked once a minute
    assert queries(many) == queries(one) <= 12


def test_who_may_not_see_it_and_what_is_not_there() -> None:
    case = open_case()
    address = reverse("admin:cases_case_change", args=[case.pk])
    for name in ("charlie", "ivy"):
        answer = browser(name).get(address)
        assert answer.status_code == 403
        assert "Your role does not include this" in answer.content.decode()
        assert case.reference not in answer.content.decode()
    assert browser("agnes").get(reverse("admin:cases_case_change", args=[case.pk + 1])).status_code == 404


def test_a_case_is_not_edited_field_by_field() -> None:
    case = open_case()
    browser("adam").post(
        reverse("admin:cases_case_change", args=[case.pk]), {"type": "access", "status": "closed"}
    )
    case.refresh_from_db()
    assert (case.type, case.status) == ("erasure", "intake")


def test_it_says_who_works_it_from_when_on_and_by_what_word_it_is_found() -> None:
    case = open_case()
    day = timezone.localdate() + timedelta(days=3)
    assigning.assign(case, actor=actor("agnes"), assignee=account("agnes"), seen=None)
    assigning.defer(case, actor=actor("agnes"), until=day)
    assigning.tag(case, actor=actor("agnes"), names=["VIP & press"])
    shown = page(case)
    assert "Assigned to agnes" in shown
    assert f"Deferred until {day:%d %b %Y}" in shown
    assert 'href="/admin/cases/case/?tag=VIP%20%26%20press">VIP &amp; press</a>' in shown
