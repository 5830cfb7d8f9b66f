"""Intake sources at the desk: added by whoever runs integrations, their tokens shown once, every change an event."""

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from cases.models import AuditEvent, Case, IntakeSource
from cases.services.intake import sources as intake_sources
from tests import builders
from tests.cases.admin.desk_users import account, address, browser, page, refused, said
from tests.cases.intake_api import Form, erasure, form

pytestmark = pytest.mark.django_db

ADD = reverse("admin:cases_intakesource_add")
LIST = reverse("admin:cases_intakesource_changelist")
TYPED = {"name": "Website", "types": ["erasure", "access"], "regulations": ["gdpr"], "per_minute": "30"}


def verb(source: IntakeSource, name: str) -> str:
    return reverse("admin:cases_intakesource_verb", args=[source.pk, name])


def shown_token(answer: Any) -> str:
    found = set(re.findall(r"dsrp_[A-Za-z0-9_-]{43}", answer.content.decode()))
    assert len(found) == 1
    return str(found.pop())


def test_adding_one_shows_its_token_and_the_token_opens_a_case() -> None:
    builders.processor()
    answer = browser("ivy").post(ADD, TYPED)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    source = IntakeSource.objects.get()
    assert (source.created_by, source.types, source.regulations, source.per_minute) == (
        account("ivy"),
        ["access", "erasure"],
        ["gdpr"],
        30,
    )
    assert Form(source, shown_token(answer)).open().status_code == 201


def test_the_token_is_shown_once_and_lies_nowhere() -> None:
    client = browser("ivy")
    token = shown_token(client.post(ADD, TYPED))
    source = IntakeSource.objects.get()
    for url in (LIST, reverse("admin:cases_intakesource_change", args=[source.pk]), ADD):
        assert token not in client.get(url).content.decode()
    assert token.encode() not in bytes(source.token_hash)
    assert not any(token in str(session.get_decoded()) for session in Session.objects.all())
    assert not any(token in event.canonical for event in AuditEvent.objects.all())


def test_what_it_is_and_may_is_in_the_trail() -> None:
    client = browser("ivy")
    client.post(ADD, TYPED)
    source = IntakeSource.objects.get()
    change = reverse("admin:cases_intakesource_change", args=[source.pk])
    client.post(change, {**TYPED, "types": ["erasure"], "per_minute": "60"})
    client.post(change, {**TYPED, "types": ["erasure"], "per_minute": "60"})  # changes nothing
    client.post(verb(source, "rotate"))
    client.post(verb(source, "deactivate"))
    client.post(verb(source, "activate"))
    events = AuditEvent.objects.filter(action__startswith="intake_source.").order_by("id")
    assert [event.action.partition(".")[2] for event in events] == [
        "created",
        "changed",
        "token_rotated",
        "deactivated",
        "activated",
    ]
    assert {event.actor_label for event in events} == {"ivy"}
    assert events[1].details["changes"] == {
        "per_minute": [30, 60],
        "types": [["access", "erasure"], ["erasure"]],
    }
    assert events[1].sentence == "Changed per minute, types of the intake source Website"


def test_a_new_token_takes_the_place_of_the_old() -> None:
    builders.processor()
    website = form()
    token = shown_token(browser("ivy").post(verb(website.source, "rotate")))
    assert website.open().status_code == 401
    website.token = token
    assert website.open().status_code == 201


def test_looking_at_a_verb_does_nothing() -> None:
    website, client = form(), browser("ivy")
    before = bytes(website.source.token_hash)
    for name in ("rotate", "deactivate"):
        assert client.get(verb(website.source, name)).status_code == 200
    source = IntakeSource.objects.get()
    assert (bytes(source.token_hash), source.active) == (before, True)


def test_a_deactivated_one_is_refused_until_it_is_activated() -> None:
    builders.processor()
    website, client = form(), browser("ivy")
    assert said(client.post(verb(website.source, "deactivate"), follow=True)) == [
        "Website can no longer open cases."
    ]
    assert website.open().status_code == 401
    assert refused(client.post(verb(website.source, "deactivate"))) == ["Website is inactive."]
    client.post(verb(website.source, "activate"))
    assert website.open().status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"types": []}, {"regulations": []}, {"per_minute": "0"}, {"types": ["everything"]}],
)
def test_what_cannot_be_is_asked_for_again(wrong: dict[str, Any]) -> None:
    answer = browser("ivy").post(ADD, {**TYPED, **wrong})
    assert (answer.status_code, IntakeSource.objects.count()) == (200, 0)
    assert "dsrp_" not in answer.content.decode()


def test_two_have_two_names() -> None:
    form()
    assert "already exists" in browser("ivy").post(ADD, TYPED).content.decode()
    assert IntakeSource.objects.count() == 1


def test_nobody_deletes_one() -> None:
    source = form().source
    client = browser("ivy")
    client.post(reverse("admin:cases_intakesource_delete", args=[source.pk]), {"post": "yes"})
    assert IntakeSource.objects.exists()


def test_an_auditor_reads_and_an_agent_does_not() -> None:
    source = form().source
    change = reverse("admin:cases_intakesource_change", args=[source.pk])
    html = browser("otto").get(change).content.decode()
    assert "All types under GDPR and CCPA" in html
    assert 'name="per_minute"' not in html
    assert browser("agnes").get(change).status_code == 403


def test_an_empty_list_says_what_to_do() -> None:
    assert "Add one to get a token" in browser("ivy").get(LIST).content.decode()


def test_a_case_says_through_which_form_it_came() -> None:
    builders.processor()
    form().open(erasure(language="de", external_reference="form-17"))
    case = Case.objects.get()
    html = page(case)
    assert "Opened through Website" in html
    assert "Reference in the source system: form-17, Language of the requester: de" in html
    case.data_key.destroy()
    assert "form-17" not in page(case)
    assert browser("agnes").get(address(case, "verify")).status_code == 200


def test_a_source_shown_by_name_is_the_actor_in_the_timeline() -> None:
    builders.processor()
    website = form()
    website.open()
    intake_sources.change(
        website.source,
        intake_sources.Terms("Renamed", ["erasure"], ["gdpr"], 10),
        actor=builders.actor("ivy"),
    )
    html = page(Case.objects.get())
    assert "Opened through Renamed" in html
    assert "Website" in html  # as it was called then
