"""Every verb: who may, who may not, that looking changes nothing, and that a no is a sentence."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cases.admin.verbs.table import BY_NAME, VERBS
from cases.lifecycle import CaseStatus
from cases.models import (
    AttentionItem,
    AuditEvent,
    Case,
    ForwardingExtension,
    ManualTask,
    ProcessorRequest,
    ResultPackage,
)
from cases.services.planning import planning
from integrations.models import Processor
from tests.builders import approved_case, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said
from tests.cases.admin.stages import (
    denied,
    failed,
    held,
    in_review,
    linked,
    planned_twice,
    reappeared,
    searchable,
    with_failed_partner,
    with_item,
    with_task,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _processor(settings: Settings) -> None:
    settings.MAIL_MISSING = []
    processor()


# --- what to say to each verb


def digest(case: Case) -> dict[str, str]:
    return {"digest": planning.digest(case)}


def document(case: Case) -> dict[str, Any]:
    """What is filled in where a document was seen, and spoke for all identities."""
    shown = [str(identity.pk) for identity in case.subject.identities.all()]
    return {"method": "document_seen", "document": "passport", "result": "passed", "shown": shown}


def without_the_archive(case: Case) -> dict[str, str]:
    asked, left_out = Processor.objects.get(kind="mparticle"), Processor.objects.get(kind="manual")
    return {f"ask-{asked.pk}": "on", f"reason-{left_out.pk}": "no_data_there"}


def one_more(case: Case) -> dict[str, str]:
    return {
        "identities-TOTAL_FORMS": "1",
        "identities-INITIAL_FORMS": "0",
        "identities-0-type": "controller_customer_id",
        "identities-0-value": "C-1",
    }


def in_three_days() -> str:
    return (timezone.localdate() + timedelta(days=3)).isoformat()


# verb: (a case, what is sent, who may, who else works here and may not, where the case is then)
Sent = Callable[[Case], dict[str, Any]]
TABLE: dict[str, tuple[Callable[[], Case], Sent, str, str, str]] = {
    "verify": (open_case, document, "agnes", "pia", "ready"),
    "resend-link": (linked, lambda _c: {}, "agnes", "pia", "verifying"),
    "cancel-link": (linked, lambda _c: {}, "agnes", "pia", "intake"),
    "approve": (ready_case, digest, "pia", "agnes", "working"),
    "deny": (ready_case, lambda _c: {"reason": "legal_obligation"}, "pia", "agnes", "closed"),
    "withdraw": (open_case, lambda _c: {}, "agnes", "pia", "closed"),
    "cancel": (approved_case, lambda _c: {}, "agnes", "otto", "review"),
    "refresh": (approved_case, lambda _c: {}, "agnes", "pia", "working"),
    "retry": (failed, lambda _c: {}, "agnes", "pia", "working"),
    "close": (in_review, lambda _c: {"outcome": "fulfilled"}, "agnes", "otto", "closed"),
    "reopen": (denied, lambda _c: {"reason": "closed_by_mistake"}, "pia", "agnes", "intake"),
    "reveal": (open_case, lambda _c: {"reason": "verify_person"}, "agnes", "otto", "intake"),
    "resolve": (with_item, lambda _c: {}, "agnes", "pia", "working"),
    "release": (held, lambda _c: {"reason": "deadline"}, "pia", "agnes", "working"),
    "hand": (open_case, lambda _c: {"assignee": str(account("agnes").pk)}, "agnes", "otto", "intake"),
    "take": (open_case, lambda _c: {}, "agnes", "otto", "intake"),
    "defer": (open_case, lambda _c: {"until": in_three_days()}, "agnes", "otto", "intake"),
    "tags": (open_case, lambda _c: {"names": "vip"}, "agnes", "otto", "intake"),
    "plan": (planned_twice, without_the_archive, "agnes", "pia", "ready"),
    "identities": (ready_case, one_more, "agnes", "pia", "ready"),
    "search": (searchable, lambda _c: {}, "agnes", "ivy", "ready"),
    "again": (reappeared, lambda _c: {}, "agnes", "pia", "working"),
    "assign": (with_task, lambda _c: {"due_on": "2030-01-02"}, "agnes", "pia", "working"),
    "attest": (with_task, lambda _c: {"answer": "done", "text": "Shredded."}, "agnes", "pia", "working"),
    "by-hand": (with_failed_partner, lambda _c: {}, "agnes", "pia", "working"),
}
# Done as often as somebody wants.
REPEATABLE = {"reveal", "refresh", "search", "assign", "plan", "defer", "tags", "resend-link"}


def address(case: Case, verb: str) -> str:
    on = BY_NAME[verb].on
    if on is None:
        return reverse("admin:cases_case_verb", args=[case.pk, verb])
    part: Any = {
        AttentionItem: AttentionItem.objects.filter(case=case),
        ManualTask: ManualTask.objects.filter(processor_request__case=case),
        ProcessorRequest: ProcessorRequest.objects.filter(case=case, replaces=None),
        ForwardingExtension: ForwardingExtension.objects.filter(processor_request__case=case),
    }[on].get()
    return reverse("admin:cases_case_verb_on", args=[case.pk, verb, part.pk])


def trace(case: Case) -> tuple[Any, ...]:
    """Everything a verb could have changed."""
    case.refresh_from_db()
    events = AuditEvent.objects.exclude(action="user.logged_in").count()
    return case.status, case.outcome, case.verified_at, case.approved_at, case.notes.count(), events


def test_the_table_of_this_test_is_whole() -> None:
    """What is done to result packages, and to notes and files, has tests of its own."""
    elsewhere = {"note", "reply", "attach", "attachment"}
    assert {verb.name for verb in VERBS if verb.on is not ResultPackage} == {*TABLE, *elsewhere}


@pytest.mark.parametrize("verb", TABLE)
def test_looking_at_a_verb_changes_nothing(verb: str) -> None:
    make, _sent, who, _other, _to = TABLE[verb]
    case = make()
    before = trace(case)
    answer = browser(who).get(address(case, verb))
    assert answer.status_code == 200
    assert trace(case) == before


@pytest.mark.parametrize("verb", TABLE)
def test_who_may_does_it_once_and_comes_back_to_the_case(verb: str) -> None:
    make, sent, who, _other, to = TABLE[verb]
    case = make()
    before = trace(case)
    answer = browser(who).post(address(case, verb), sent(case), follow=True)
    assert answer.status_code == 200
    assert trace(case) != before
    assert case.status == to
    assert AuditEvent.objects.filter(case=case).latest("id").source == "admin"
    if verb != "reveal":
        assert answer.redirect_chain == [(reverse("admin:cases_case_change", args=[case.pk]), 302)]
        assert len(said(answer)) == 1
        assert said(answer)[0]


@pytest.mark.parametrize("verb", TABLE)
@pytest.mark.parametrize("name", ["other", "otto", "charlie"])
def test_who_may_not_is_refused_by_look_and_by_deed(verb: str, name: str) -> None:
    make, sent, _who, other, _to = TABLE[verb]
    case = make()
    before = trace(case)
    client = browser(other if name == "other" else name)
    for answer in (client.get(address(case, verb)), client.post(address(case, verb), sent(case))):
        assert answer.status_code == 403
        assert "Your role does not include this" in answer.content.decode()
    assert trace(case) == before


@pytest.mark.parametrize("verb", [verb for verb in TABLE if verb not in REPEATABLE])
def test_what_is_not_due_is_refused_in_a_sentence_and_keeps_what_was_typed(verb: str) -> None:
    make, sent, who, _other, _to = TABLE[verb]
    case = make()
    client, fields = browser(who), {**sent(case), "text": "Typed & kept"}
    client.post(address(case, verb), fields)
    before = trace(case)
    answer = client.post(address(case, verb), fields)
    assert answer.status_code == 200
    assert answer.context["form"].non_field_errors()
    if "text" in answer.context["form"].fields:
        assert "Typed &amp; kept" in answer.content.decode()
    assert trace(case) == before


@pytest.mark.parametrize("verb", ["verify", "deny", "reopen", "reveal", "close"])
def test_what_must_be_chosen_is_asked_for(verb: str) -> None:
    make, _sent, who, _other, _to = TABLE[verb]
    case = make()
    before = trace(case)
    for fields in ({}, {"method": "x", "reason": "x", "outcome": "x"}):
        answer = browser(who).post(address(case, verb), fields)
        assert "Nothing was saved. Fix the fields marked below." in answer.content.decode()
    assert trace(case) == before


# --- approving


def test_the_plan_that_is_approved_is_shown_with_its_fingerprint() -> None:
    case = ready_case(identities=[("email", "ada@example.org"), ("email", "b@example.org")])
    page = browser("pia").get(address(case, "approve")).content.decode()
    assert page.count('class="planned"') == 2
    assert f'name="digest" value="{planning.digest(case)}"' in page
    assert "ada@example.org" not in page


def test_the_second_person_is_demanded_in_a_sentence_and_the_button_is_off() -> None:
    account("adam")
    case = ready_case(by="adam")
    client = browser("adam")
    page = client.get(address(case, "approve")).content.decode()
    assert "Whoever opened, verified or last changed an erasure or correction cannot approve it." in page
    assert "disabled" in page
    answer = client.post(address(case, "approve"), digest(case))
    assert any(
        "Whoever opened, verified or last changed an erasure or correction cannot approve it." in error
        for error in answer.context["form"].non_field_errors()
    )
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_another_plan_than_the_one_looked_at_is_not_approved_and_the_new_one_is_shown() -> None:
    case = ready_case()
    client, seen = browser("pia"), digest(case)
    ProcessorRequest.objects.filter(case=case).update(skip_waiting_period=True)
    answer = client.post(address(case, "approve"), seen)
    assert "The plan has changed since you opened this page" in answer.content.decode()
    assert answer.context["digest"] == planning.digest(case) != seen["digest"]
    assert f'value="{planning.digest(case)}"' in answer.content.decode()
    client.post(address(case, "approve"), {"digest": answer.context["digest"]})
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING


# --- closing, cancelling, revealing, resolving


def test_the_outcome_that_the_answers_amount_to_is_chosen_already() -> None:
    assert browser("agnes").get(address(in_review(), "close")).context["form"].initial == {
        "outcome": "fulfilled"
    }


def test_another_outcome_needs_a_note() -> None:
    case, client = in_review(), browser("agnes")
    answer = client.post(address(case, "close"), {"outcome": "denied"})
    assert "Explain in a note why you choose another outcome." in answer.content.decode()
    client.post(address(case, "close"), {"outcome": "denied", "text": "The register keeps it."})
    case.refresh_from_db()
    assert case.outcome == "denied"


def test_cancelling_says_that_partners_are_not_recalled() -> None:
    assert "are not recalled" in browser("agnes").get(address(approved_case(), "cancel")).content.decode()


def test_identities_are_revealed_once_with_a_reason_and_kept_in_no_cache() -> None:
    case = open_case(identities=[("email", " Ada.Lovelace@Example.org")])
    client = browser("agnes")
    assert "Lovelace" not in client.get(address(case, "reveal")).content.decode()
    answer = client.post(address(case, "reveal"), {"reason": "verify_person", "text": "On the phone."})
    assert " Ada.Lovelace@Example.org" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    event = AuditEvent.objects.get(action="identity.revealed")
    assert (event.actor_label, event.reason, event.address) == ("agnes", "verify_person", "192.0.2.7")
    assert case.notes.get().text == "On the phone."
    assert "Lovelace" not in client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()


def test_a_destroyed_key_is_told_in_a_sentence() -> None:
    case = open_case()
    case.subject.data_key.destroy()
    answer = browser("agnes").post(address(case, "reveal"), {"reason": "verify_person"})
    assert "This can never be read again." in answer.content.decode()


def test_a_part_of_another_case_is_not_found() -> None:
    one, other = with_item(), approved_case()
    item = AttentionItem.objects.get(case=one)
    client = browser("agnes")
    for part in (str(item.pk), "999999", "x", "00000000-0000-4000-8000-000000000000"):
        for verb in ("resolve", "download", "assign", "attest", "by-hand", "again"):
            wrong = reverse("admin:cases_case_verb_on", args=[other.pk, verb, part])
            assert client.post(wrong).status_code == 404
    item.refresh_from_db()
    assert item.resolved_at is None


@pytest.mark.parametrize("rest", ["nothing/", "resolve/", "download/", "verify/1/", "change/1/"])
def test_a_verb_that_does_not_exist_is_not_found(rest: str) -> None:
    case = open_case()
    client = browser("adam")
    for answer in (
        client.get(f"/admin/cases/case/{case.pk}/{rest}"),
        client.post(f"/admin/cases/case/{case.pk}/{rest}"),
    ):
        assert answer.status_code == 404


def test_a_form_without_its_token_does_nothing() -> None:
    case = open_case()
    client = browser("agnes")
    client.handler.enforce_csrf_checks = True
    answer = client.post(address(case, "verify"), {"method": "document_seen"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
    case.refresh_from_db()
    assert case.status == CaseStatus.INTAKE
