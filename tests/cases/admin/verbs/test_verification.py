"""Verifying at the desk: the form shows what the rule allows, the case page what was shown, the rules their editor."""

import re
from typing import Any

import pytest
from django.urls import reverse

from cases.actor import Actor, Source
from cases.models import AuditEvent, Case, EmailConfirmation, VerificationRule
from cases.services.person import email_links, verification
from cases.services.person import mail as link_mail
from cases.services.person.evidence import Evidence
from tests.builders import actor, open_case, processor, ready_case
from tests.cases.admin.desk_users import address, browser, page, said, shown
from tests.cases.person.test_email_links import token
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

TWO = (("email", "ada@example.org"), ("controller_customer_id", "C-1"))


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def asks(case: Case) -> str:
    answer: Any = browser("agnes").get(address(case, "verify"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def filled(case: Case, **more: Any) -> dict[str, Any]:
    keys = [str(pk) for pk in case.subject.identities.values_list("pk", flat=True)]
    return {"result": "passed", "shown": keys, **more}


# --- the form


def test_only_what_the_rule_allows_is_asked_with_the_questions_of_each(mailbox: Mailbox) -> None:
    html = asks(open_case())
    for method in ("matched_data", "email_confirmed", "document_seen", "signed_in", "authorised_agent"):
        assert f'name="method" value="{method}"' in html
    assert 'name="declaration"' not in html
    VerificationRule.objects.filter(type="erasure", regulation="gdpr").update(methods=["signed_in"])
    html = asks(open_case())
    assert 'name="method" value="signed_in"' in html
    assert 'value="matched_data"' not in html
    assert 'name="points"' not in html
    assert 'name="declaration"' in asks(open_case(type="access", regulation="ccpa"))


def test_identities_are_masked_on_the_form(mailbox: Mailbox) -> None:
    html = asks(open_case(identities=TWO))
    assert "a•••@e•••.org" in html
    assert "ada@example.org" not in html


def test_without_a_mail_server_the_page_says_what_to_set(settings: Any) -> None:
    settings.MAIL_MISSING = ["EMAIL_URL", "DEFAULT_FROM_EMAIL"]
    html = asks(open_case())
    assert "Set EMAIL_URL, DEFAULT_FROM_EMAIL" in html
    assert 'name="address"' not in html


def test_an_opt_out_is_asked_nothing() -> None:
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    processor(name="Other", account="2", credentials=dict.fromkeys(keys, "k"))
    case = open_case(type="opt_out", regulation="ccpa")
    html = asks(case)
    assert "Opt-outs need no verification." in html
    assert 'name="method"' not in html
    answer = browser("agnes").post(address(case, "verify"), filled(case, method="signed_in"))
    assert answer.status_code == 200
    case.refresh_from_db()
    assert case.verified_at is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"method": "matched_data", "points": ["name"]}, "Select at least 2 matching data points."),
        ({"method": "document_seen"}, "Choose the type of document you saw."),
        ({"method": "authorised_agent"}, "Choose the proof that the agent provided."),
        (
            {"method": "signed_in", "shown": []},
            "Select at least one identifier that was confirmed as the requester’s.",
        ),
        ({"method": "signed_in", "result": "failed"}, "Choose why the verification failed."),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(fields: dict[str, Any], sentence: str) -> None:
    case = open_case()
    answer = browser("agnes").post(address(case, "verify"), filled(case, text="Typed & kept", **fields))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in html
    assert "Typed &amp; kept" in html
    assert f'value="{fields["method"]}" checked' in html
    case.refresh_from_db()
    assert case.status == "intake"


def test_each_method_is_recorded_from_the_form() -> None:
    said_of: dict[str, dict[str, Any]] = {
        "matched_data": {"points": ["name", "order"]},
        "document_seen": {"document": "passport"},
        "signed_in": {},
        "authorised_agent": {"proof": "signed_permission", "directly": "on"},
    }
    for method, fields in said_of.items():
        case = open_case(identities=[("email", f"{method}@example.org")])
        answer = browser("agnes").post(
            address(case, "verify"), filled(case, method=method, **fields), follow=True
        )
        assert said(answer) == ["Verification recorded. The case is planned and waiting for approval."]
        assert case.verifications.get().method == method


def test_a_failed_attempt_is_recorded_and_shown() -> None:
    case = open_case()
    fields = filled(case, method="document_seen", document="passport", result="failed", failure="doubtful")
    answer = browser("agnes").post(address(case, "verify"), fields, follow=True)
    assert said(answer) == ["Failed verification recorded. The requester is not verified."]
    html = page(case)
    assert "The document or proof is questionable" in html
    assert "failed" in html
    case.refresh_from_db()
    assert case.verified_at is None


# --- the link on the case page


def test_a_link_from_asking_to_confirming(mailbox: Mailbox) -> None:
    case = open_case(identities=TWO)
    email = case.subject.identities.get(type="email")
    client = browser("agnes")
    answer = client.post(
        address(case, "verify"), {"method": "email_confirmed", "address": str(email.pk)}, follow=True
    )
    assert said(answer) == ["The link is being sent. The case is waiting for the requester."]
    assert "Waiting to be sent" in page(case)
    link_mail.send(EmailConfirmation.objects.get().pk)
    html = page(case)
    assert "Valid until" in html
    assert "Waiting for the requester to confirm." in html
    assert reverse("admin:cases_case_verb", args=[case.pk, "resend-link"]) in html
    assert reverse("admin:cases_case_verb", args=[case.pk, "resend-link"]) not in page(case, "pia")
    assert "ada@example.org" not in html
    assert token(*mailbox.links()) not in html
    verification.confirm_by_link(token(*mailbox.links()), actor=Actor(Source.PERSON))
    html = page(case)
    assert "By the requester" in html
    assert "The data subject" in html
    assert [line.verified for line in shown(case).identities] == [True, False]


def test_a_mail_server_that_does_not_answer_is_told_of(mailbox: Mailbox) -> None:
    mailbox.stop()
    case = open_case()
    confirmation = email_links.ask(case, actor=actor("agnes"), identity=case.subject.identities.get().pk)
    link_mail.send(confirmation.pk)
    html = page(case)
    assert "ConnectionRefusedError" in html
    assert "Next attempt" in html
    assert "after 1 attempt<" in html


def test_an_approver_sees_what_was_not_shown() -> None:
    case = open_case(identities=TWO)
    email = [case.subject.identities.get(type="email").pk]
    verification.record(case, actor=actor("agnes"), method="signed_in", identities=email)
    html = browser("pia").get(address(case, "approve")).content.decode()
    assert html.count("not confirmed as the requester’s") == 1
    assert "Request made while signed in, recorded by agnes." in html


def test_the_case_page_asks_the_database_no_more_for_more_attempts(
    django_assert_max_num_queries: Any,
) -> None:
    case = open_case()
    for _attempt in range(12):
        verification.fail(
            case,
            actor=actor("agnes"),
            method="matched_data",
            reason="no_match",
            evidence=Evidence(points=("name",)),
        )
    client = browser("agnes")
    client.get(address(case))
    with django_assert_max_num_queries(30):
        client.get(address(case))


# --- the rules


def rule() -> VerificationRule:
    return VerificationRule.objects.get(type="erasure", regulation="gdpr")


def rule_page() -> str:
    return reverse("admin:cases_verificationrule_change", args=[rule().pk])


def test_an_administrator_changes_a_rule_and_the_trail_has_both() -> None:
    fields = {"methods": ["signed_in", "document_seen"], "data_points": "3", "link_days": "5"}
    answer = browser("adam").post(rule_page(), fields)
    assert answer.status_code == 302
    changed = rule()
    assert (changed.methods, changed.data_points, changed.declaration, changed.link_days) == (
        ["document_seen", "signed_in"],
        3,
        False,
        5,
    )
    event = AuditEvent.objects.get(action="verification.rule_changed")
    assert event.actor_label == "adam"
    assert (event.details["link_days_from"], event.details["link_days_to"]) == (7, 5)


def test_nobody_overwrites_a_rule_that_changed_since_they_looked() -> None:
    html = browser("adam").get(rule_page()).content.decode()
    found = re.search(r'name="seen" value="([0-9a-f]+)"', html)
    assert found
    fields = {
        "methods": ["signed_in", "document_seen"],
        "data_points": "3",
        "link_days": "5",
        "seen": found[1],
    }
    VerificationRule.objects.filter(pk=rule().pk).update(link_days=9)
    answer: Any = browser("adam").post(rule_page(), fields)
    assert "This changed since you opened the page." in answer.content.decode()
    assert rule().link_days == 9
    assert answer.content.decode().count("checked") == 2, "what was chosen stays"
    found = re.search(r'name="seen" value="([0-9a-f]+)"', answer.content.decode())
    assert found
    assert browser("adam").post(rule_page(), {**fields, "seen": found[1]}).status_code == 302
    assert rule().link_days == 5


@pytest.mark.parametrize(
    "wrong",
    [{"methods": []}, {"methods": ["x"]}, {"data_points": "0"}, {"link_days": "31"}, {"link_days": ""}],
)
def test_a_rule_that_makes_no_sense_is_asked_for_again(wrong: dict[str, Any]) -> None:
    fields = {"methods": ["signed_in"], "data_points": "3", "link_days": "5", **wrong}
    answer = browser("adam").post(rule_page(), fields)
    assert answer.status_code == 200
    assert rule().link_days == 7
    assert not AuditEvent.objects.filter(action="verification.rule_changed").exists()


def test_the_list_names_every_rule_and_auditors_only_read() -> None:
    listed = reverse("admin:cases_verificationrule_changelist")
    html = browser("otto").get(listed).content.decode()
    assert html.count("field-what") == 8
    assert "forbids asking who opts out" in html
    assert 'name="_save"' not in browser("otto").get(rule_page()).content.decode()
    assert browser("otto").post(rule_page(), {}).status_code == 403
    assert browser("agnes").get(listed).status_code == 403


def test_who_sent_the_link_reads_on_the_page_that_another_must_approve(mailbox: Mailbox) -> None:
    case = ready_case(by="agnes")
    Case.objects.filter(pk=case.pk).update(verification_asked_by=browser_user("adam"))
    html = browser("adam").get(address(case, "approve")).content.decode()
    assert "Whoever opened, verified or last changed an erasure or correction cannot approve it." in html


def browser_user(name: str) -> Any:
    browser(name)
    return actor(name).user
