"""Two people at one case: who takes it, who has it open, and what the second to save reads."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from cases.models import AuditEvent, Case, SubjectIdentity
from cases.services.worklist import assigning, presence
from dsrportal.queueing import store
from tests.builders import actor, manual, open_case, processor, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, address, browser, page, said

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _target() -> None:
    processor()


def version(client: Client, case: Case, verb: str) -> str:
    """How much of the case the form of a verb was shown with."""
    found = re.search(r'name="version" value="(\d+)"', client.get(address(case, verb)).content.decode())
    assert found
    return found.group(1)


# --- taking a case


def test_a_case_that_nobody_works_is_taken_with_one_click() -> None:
    case = open_case()
    assert "Unassigned" in page(case)
    answer = browser("agnes").post(address(case, "take"), follow=True)
    assert said(answer) == ["The case is now assigned to you."]
    shown = answer.content.decode()
    assert "Assigned to agnes" in shown
    assert address(case, "take") not in shown


def test_who_clicks_second_hears_who_has_it() -> None:
    case = open_case()
    browser("pia").post(address(case, "take"))
    answer = browser("agnes").post(address(case, "take"))
    assert "The case was assigned to pia in the meantime." in answer.content.decode()
    case.refresh_from_db()
    assert case.assignee == account("pia")


def test_taking_is_offered_to_nobody_who_may_not_assign_and_not_of_what_is_closed() -> None:
    case = open_case()
    assert address(case, "take") not in page(case, "otto")
    assert address(case, "take") not in page(stages.denied())


# --- both save


def fields_of(verb: str) -> dict[str, Any]:
    """What the second person typed."""
    day = timezone.localdate() + timedelta(days=4)
    fields: dict[str, dict[str, Any]] = {
        "tags": {"names": "press office"},
        "defer": {"until": day.isoformat()},
        "hand": {"assignee": account("adam").pk, "seen": ""},
        "verify": {
            "method": "document_seen",
            "document": "passport",
            "result": "passed",
            "shown": [str(key) for key in SubjectIdentity.objects.values_list("pk", flat=True)],
            "text": "Seen at the counter.",
        },
        "deny": {"reason": "legal_obligation", "text": "We must keep it."},
        "identities": {
            "identities-TOTAL_FORMS": "1",
            "identities-INITIAL_FORMS": "0",
            "identities-0-type": "email",
            "identities-0-value": "second@example.org",
            "text": "By letter.",
        },
    }
    return fields[verb]


@pytest.mark.parametrize(
    ("verb", "kept"),
    [
        ("tags", 'value="press office"'),
        ("defer", f'value="{timezone.localdate() + timedelta(days=4)}"'),
        ("hand", "selected>adam"),
        ("verify", "Seen at the counter."),
        ("deny", "We must keep it."),
        ("identities", "By letter."),
    ],
)
def test_of_two_who_save_the_second_reads_who_changed_what_and_loses_nothing(verb: str, kept: str) -> None:
    case = open_case()
    agnes = browser("adam")
    shown_with = version(agnes, case, verb)
    other = actor("pia")
    assigning.tag(case, actor=other, names=["vip"])
    assigning.defer(case, actor=other, until=timezone.localdate() + timedelta(days=2))
    assigning.assign(case, actor=other, assignee=account("pia"), seen=None)
    stages.give(case, "other@example.org", by="pia")
    before = AuditEvent.objects.count()

    typed = {**fields_of(verb), "version": shown_with}
    answer = agnes.post(address(case, verb), typed)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "This changed since you opened the page." in shown
    assert re.search(r"<li>pia, \d\d:\d\d: ", shown)
    assert kept in shown
    assert AuditEvent.objects.count() == before

    # They looked again, and decided the same: the form carries what they know now.
    now = re.search(r'name="version" value="(\d+)"', shown)
    assert now
    assert int(now.group(1)) > int(shown_with)
    if verb == "hand":
        typed["seen"] = account("pia").pk
    again = agnes.post(address(case, verb), {**typed, "version": now.group(1)})
    assert again.status_code == 302


def test_a_refusal_for_another_reason_does_not_make_a_page_fresh() -> None:
    """What was not told is not seen."""
    case = open_case()
    client = browser("agnes")
    shown_with = version(client, case, "tags")
    assigning.tag(case, actor=actor("pia"), names=["vip"])
    answer = client.post(address(case, "tags"), {"names": "<no word>", "version": shown_with})
    assert f'name="version" value="{shown_with}"' in answer.content.decode()
    answer = client.post(address(case, "tags"), {"names": "press", "version": shown_with})
    assert "This changed since you opened the page." in answer.content.decode()


def test_the_task_of_a_case_is_not_handed_on_unseen() -> None:
    manual()
    case = ready_case()
    task = case.requests.get(processor__kind="manual").task
    where = f"/admin/cases/case/{case.pk}/assign/{task.pk}/"
    client = browser("agnes")
    found = re.search(r'name="version" value="(\d+)"', client.get(where).content.decode())
    assert found
    wanted = {"assignee": account("adam").pk, "due_on": timezone.localdate().isoformat()}
    browser("adam").post(where, wanted)
    answer = client.post(where, {**wanted, "assignee": "", "version": found.group(1)})
    assert "adam, " in answer.content.decode()
    task.refresh_from_db()
    assert task.assignee == account("adam")


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "¹"])
def test_a_version_that_is_none_is_no_error(version: str) -> None:
    case = open_case()
    answer = browser("agnes").post(address(case, "tags"), {"names": "vip", "version": version})
    assert answer.status_code == 302


# --- who has it open


def hint(case: Case, name: str) -> str:
    answer = browser(name).post(f"/admin/cases/case/{case.pk}/presence/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_two_who_have_the_same_case_open_are_told_of_each_other() -> None:
    case, other = open_case(), open_case()
    before = case.audit_events.count()
    assert "this case open" not in page(case, "agnes")
    assert "agnes also has this case open." in page(case, "pia")
    assert "pia also has this case open." in hint(case, "agnes")
    # Whoever came last is named first.
    assert "agnes and pia also have this case open." in page(case, "otto")
    assert "has this case open" not in page(other, "agnes")
    assert case.audit_events.count() == before


def test_it_is_gone_after_a_minute() -> None:
    case = open_case()
    page(case, "agnes")
    key = f"portal:presence:{case.pk}"
    agnes = str(account("agnes").pk)
    said_at = store().zscore(key, agnes)
    assert said_at is not None
    assert 0 < store().ttl(key) <= presence.GONE_AFTER_SECONDS
    store().zadd(key, {agnes: said_at - presence.GONE_AFTER_SECONDS - 1})
    assert "has this case open" not in hint(case, "pia")
    assert store().zscore(key, agnes) is None


def test_it_is_no_error_where_the_store_is_down() -> None:
    case = open_case()
    page(case, "agnes")
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        assert "has this case open" not in page(case, "pia")
        assert hint(case, "pia").strip() == ""
    assert settings.REDIS_URL != "redis://127.0.0.1:1/0"


def test_only_who_may_see_the_case_says_so_and_hears_of_it() -> None:
    case = open_case()
    for name in ("charlie", "ivy"):
        assert browser(name).post(f"/admin/cases/case/{case.pk}/presence/").status_code == 403
    assert "has this case open" not in page(case, "pia")
    assert browser("pia").post(f"/admin/cases/case/{case.pk + 7}/presence/").status_code == 404
    assert not store().exists(f"portal:presence:{case.pk + 7}")
