"""Confirmation links: asked for, sent by a real mail server, used once, replaced, cancelled, expired."""

import hashlib
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import django_rq
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from cases import jobs
from cases.actor import Actor, Source
from cases.lifecycle import CaseStatus
from cases.models import AuditEvent, Case, EmailConfirmation, LinkState, VerificationRule
from cases.services import audit
from cases.services.closing import closing
from cases.services.person import email_links, identities, verification
from cases.services.person import mail as link_mail
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from dsrportal.queueing import store
from integrations.models import Processor
from integrations.types import Correction, Identity
from tests.builders import MATCHED, actor, open_case, processor
from tests.cases.intake_api import erasure, form
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

PERSON = Actor(Source.PERSON, address="198.51.100.4")
ADA = "Ada.Lovelace@Example.org"


@pytest.fixture(autouse=True)
def _processor() -> None:
    """One with every key that its kind has a use for."""
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    processor(credentials=dict.fromkeys(keys, "k"))


def ask(case: Case | None = None, by: str = "agnes") -> EmailConfirmation:
    case = case or open_case()
    identity = case.subject.identities.filter(type="email").earliest("position")
    return email_links.ask(case, actor=actor(by), identity=identity.pk)


def sent(case: Case | None = None, by: str = "agnes") -> EmailConfirmation:
    confirmation = ask(case, by)
    jobs.send_link(str(confirmation.pk))
    confirmation.refresh_from_db()
    return confirmation


def token(link: str) -> str:
    return urlsplit(link).path.removeprefix("/confirm/")


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def due_now(confirmation: EmailConfirmation) -> None:
    EmailConfirmation.objects.filter(pk=confirmation.pk).update(next_attempt_at=timezone.now())


def actions(case: Case) -> list[str]:
    return list(AuditEvent.objects.filter(case=case).order_by("sequence").values_list("action", flat=True))


# --- sending


def test_a_link_is_sent_to_the_address_and_the_case_waits_for_the_person(mailbox: Mailbox) -> None:
    confirmation = sent()
    (message,) = mailbox.messages
    case = fresh(confirmation.case)
    assert message["To"] == ADA
    assert message["From"] == "Privacy team <privacy@portal.example>"
    assert message["Subject"] == "Please confirm your privacy request"
    assert message["Auto-Submitted"] == "auto-generated"
    assert case.reference in message.get_content()
    assert "Ada" not in message.get_content()
    assert (case.status, case.verified_at, case.verification_asked_by) == (
        CaseStatus.VERIFYING,
        None,
        actor("agnes").user,
    )
    assert confirmation.state == LinkState.SENT
    assert confirmation.expires_at is not None
    assert confirmation.sent_at is not None
    assert abs(confirmation.expires_at - confirmation.sent_at - timedelta(days=7)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("told", "subject"),
    [
        ("de-AT", "Bitte bestätigen Sie Ihren Datenschutzantrag"),
        ("fi", "Please confirm your privacy request"),
    ],
)
def test_the_mail_speaks_the_persons_language_where_it_is_known(
    mailbox: Mailbox, told: str, subject: str
) -> None:
    form().open(erasure(language=told))
    sent(Case.objects.get())
    assert mailbox.messages[0]["Subject"] == subject


def test_of_the_token_only_a_hash_is_kept_and_nothing_of_it_or_the_address_is_logged(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    confirmation = sent()
    (link,) = mailbox.links()
    assert bytes(confirmation.token_hash or b"") == hashlib.sha256(token(link).encode()).digest()
    trail = " ".join(AuditEvent.objects.values_list("canonical", flat=True))
    for text in (caplog.text, trail):
        assert token(link) not in text
        assert ADA.lower() not in text.lower()


def test_while_the_mail_server_is_down_nothing_is_lost(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.stop()
    confirmation = sent()
    assert (confirmation.state, confirmation.attempts) == (LinkState.WAITING, 1)
    assert confirmation.last_error == "ConnectionRefusedError"
    assert ADA not in caplog.text
    jobs.send_link(str(confirmation.pk))
    confirmation.refresh_from_db()
    assert confirmation.attempts == 1, "it waits before it tries again"
    mailbox.start()
    due_now(confirmation)
    jobs.send_link(str(confirmation.pk))
    confirmation.refresh_from_db()
    assert (confirmation.state, confirmation.attempts, confirmation.last_error) == (LinkState.SENT, 2, "")
    assert verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)


def test_a_busy_mail_server_is_tried_later_and_a_mailbox_that_is_none_never_again(mailbox: Mailbox) -> None:
    mailbox.busy = True
    busy = sent()
    assert (busy.state, busy.last_error) == (LinkState.WAITING, "SMTPDataError")
    mailbox.refuses.add("nobody@example.org")
    refused = sent(open_case(identities=[("email", "nobody@example.org")]))
    assert refused.state == LinkState.REFUSED
    assert fresh(refused.case).status == CaseStatus.INTAKE
    assert actions(refused.case)[-1] == "verification.link_refused"
    assert not mailbox.messages


def test_the_schedule_finds_what_nobody_sent(
    mailbox: Mailbox, django_capture_on_commit_callbacks: Any
) -> None:
    """The wake-up was lost: nothing is in the queue but what the sweep puts there."""
    confirmation = ask()
    store().flushdb()
    with django_capture_on_commit_callbacks(execute=True):
        jobs.links()
    (job,) = django_rq.get_queue("results").jobs
    assert (job.func_name, job.args) == ("cases.jobs.send_link", [str(confirmation.pk)])
    jobs.send_link(*job.args)
    assert len(mailbox.messages) == 1
    store().flushdb()
    with django_capture_on_commit_callbacks(execute=True):
        jobs.links()
    assert not django_rq.get_queue("results").jobs


def test_a_sender_that_died_is_followed_by_a_mail_that_works(mailbox: Mailbox) -> None:
    confirmation = ask()
    link_mail._claim(confirmation.pk)  # and the worker is gone
    jobs.send_link(str(confirmation.pk))
    assert not mailbox.messages, "the claim is a lease"
    due_now(confirmation)
    jobs.send_link(str(confirmation.pk))
    assert verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)


def test_a_mail_that_arrived_without_our_knowing_is_as_good(mailbox: Mailbox) -> None:
    confirmation = ask()
    text, claimed = link_mail._claim(confirmation.pk)
    assert claimed is not None
    assert verification.confirm_by_link(text, actor=PERSON)
    due_now(confirmation)
    jobs.send_link(str(confirmation.pk))
    assert not mailbox.messages


def test_a_link_of_a_case_that_has_ended_is_not_sent(mailbox: Mailbox) -> None:
    confirmation = ask()
    closing.withdraw(confirmation.case, actor=actor("agnes"))
    jobs.send_link(str(confirmation.pk))
    confirmation.refresh_from_db()
    assert confirmation.state == LinkState.CANCELLED
    assert not mailbox.messages


# --- being used


def test_the_person_alone_verifies_the_case_and_the_one_address(mailbox: Mailbox) -> None:
    case = open_case(identities=[("email", ADA), ("controller_customer_id", "C-1")])
    sent(case)
    assert verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)
    case = fresh(case)
    assert (case.status, case.verification_method, case.verified_by) == ("ready", "email_confirmed", None)
    assert case.requests.exists()
    shown = dict(case.subject.identities.values_list("type", "verified_at"))
    assert shown["email"] is not None
    assert shown["controller_customer_id"] is None
    history = case.verifications.get()
    assert (history.passed, history.method, history.by) == (True, "email_confirmed", None)
    event = AuditEvent.objects.get(case=case, action="case.verified")
    assert (event.source, event.actor, event.address) == ("person", None, "198.51.100.4")
    assert not audit.verify(f"case:{case.pk}")


def test_a_link_works_once(mailbox: Mailbox) -> None:
    confirmation = sent()
    text = token(*mailbox.links())
    assert verification.confirm_by_link(text, actor=PERSON)
    assert not verification.confirm_by_link(text, actor=PERSON)
    confirmation.refresh_from_db()
    assert confirmation.state == LinkState.USED
    assert fresh(confirmation.case).verifications.count() == 1


@pytest.mark.parametrize("what", ["cut", "longer", "unsigned", "empty"])
def test_a_token_that_we_did_not_sign_asks_no_database(
    mailbox: Mailbox, what: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sent()
    text = token(*mailbox.links())
    forged = {"cut": text[:-1], "longer": text + "A", "unsigned": text.partition(".")[0], "empty": ""}[what]
    with django_assert_num_queries(0):
        assert not verification.confirm_by_link(forged, actor=PERSON)


def test_a_newer_link_ends_the_older_one(mailbox: Mailbox) -> None:
    confirmation = sent()
    second = email_links.resend(confirmation.case, actor=actor("vera"))
    jobs.send_link(str(second.pk))
    old, new = map(token, mailbox.links())
    assert not verification.confirm_by_link(old, actor=PERSON)
    assert verification.confirm_by_link(new, actor=PERSON)
    assert fresh(confirmation.case).verification_asked_by == actor("vera").user


def test_a_cancelled_link_is_worthless_and_the_case_an_agents_again(mailbox: Mailbox) -> None:
    confirmation = sent()
    case = email_links.cancel(confirmation.case, actor=actor("agnes"))
    assert (case.status, case.verification_asked_by) == (CaseStatus.INTAKE, None)
    assert not verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)
    with pytest.raises(Refused, match="There is no valid link"):
        email_links.cancel(case, actor=actor("agnes"))


def test_an_expired_link_is_worthless_and_the_schedule_hands_the_case_back(mailbox: Mailbox) -> None:
    confirmation = sent()
    past = timezone.now() - timedelta(seconds=1)
    EmailConfirmation.objects.filter(pk=confirmation.pk).update(expires_at=past)
    assert not verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)
    jobs.links()
    jobs.links()
    confirmation.refresh_from_db()
    case = fresh(confirmation.case)
    assert (confirmation.state, case.status) == (LinkState.EXPIRED, CaseStatus.INTAKE)
    assert actions(case).count("verification.link_expired") == 1
    assert email_links.resend(case, actor=actor("agnes")).state == LinkState.WAITING


def test_a_link_dies_with_another_verification_with_the_case_and_with_its_address(mailbox: Mailbox) -> None:
    otherwise, withdrawn, moved = (
        open_case(identities=[("email", ADA), ("other", f"n-{n}")]) for n in range(3)
    )
    for case in (otherwise, withdrawn, moved):
        sent(case)
    verification.record(otherwise, actor=actor("agnes"), method="matched_data", evidence=MATCHED)
    closing.withdraw(withdrawn, actor=actor("agnes"))
    closing.reopen(withdrawn, actor=actor("pia"), reason="closed_by_mistake")
    identities.change(
        moved, actor=actor("agnes"), add=[], remove=[moved.subject.identities.get(type="email").pk]
    )
    assert [verification.confirm_by_link(token(link), actor=PERSON) for link in mailbox.links()] == [
        False
    ] * 3
    assert [fresh(case).status for case in (otherwise, withdrawn, moved)] == ["ready", "intake", "intake"]
    assert fresh(otherwise).verification_asked_by is None


def test_where_nothing_can_be_planned_the_link_stays_good(mailbox: Mailbox) -> None:
    confirmation = sent()
    text = token(*mailbox.links())
    Processor.objects.all().delete()
    with pytest.raises(Refused):
        verification.confirm_by_link(text, actor=PERSON)
    processor()
    assert verification.confirm_by_link(text, actor=PERSON)
    assert fresh(confirmation.case).status == CaseStatus.READY


# --- who may not


@pytest.mark.parametrize("type", ["erasure", "correction"])
def test_who_sent_the_link_does_not_approve_and_neither_does_the_database_let_them(
    mailbox: Mailbox, type: str
) -> None:
    wrong = Identity("other", "n-7")
    corrections = [Correction(wrong.type, wrong.value, "n-8")] if type == "correction" else []
    case = open_case(type=type, identities=[("email", ADA), ("other", "n-7")], corrections=corrections)
    sent(case, by="vera")
    verification.confirm_by_link(token(*mailbox.links()), actor=PERSON)
    case = fresh(case)
    with pytest.raises(Refused, match="second person"):
        approval.approve(case, actor=actor("vera"), digest=planning.digest(case))
    with pytest.raises(IntegrityError, match="case_link_sender_does_not_approve"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(
            approved_by=actor("vera").user, approved_at=timezone.now(), approval_digest="x"
        )
    approval.approve(case, actor=actor("pia"), digest=planning.digest(case))


# --- what is refused


def test_what_cannot_be_asked_is_a_sentence(mailbox: Mailbox, settings: Settings) -> None:
    agnes = actor("agnes")
    no_address = open_case(identities=[("other", "n-1")])
    with pytest.raises(Refused, match="Choose one of the e-mail addresses"):
        email_links.ask(no_address, actor=agnes, identity=no_address.subject.identities.get().pk)
    broken = open_case(identities=[("email", "This is not a valid address.")])
    with pytest.raises(Refused, match="Choose one of the e-mail addresses"):
        ask(broken)
    foreign = open_case(identities=[("email", "b@example.org")])
    with pytest.raises(Refused, match="Choose one of the e-mail addresses"):
        email_links.ask(no_address, actor=agnes, identity=foreign.subject.identities.get().pk)
    strict = open_case(type="access", regulation="ccpa")
    with pytest.raises(Refused, match="does not allow"):
        ask(strict)
    opt_out = open_case(type="opt_out", regulation="ccpa")
    with pytest.raises(Refused, match="law forbids"):
        ask(opt_out)
    settings.MAIL_MISSING = ["EMAIL_URL"]
    with pytest.raises(Refused, match="Set EMAIL_URL"):
        ask()


def test_what_a_correction_contests_gets_no_link(mailbox: Mailbox) -> None:
    corrections = [Correction("email", ADA, "new@example.org")]
    case = open_case(type="correction", identities=[("email", ADA)], corrections=corrections)
    assert email_links.addresses(case) == []
    with pytest.raises(Refused, match="Choose one of the e-mail addresses"):
        ask(case)


def test_a_mailbox_is_not_flooded(mailbox: Mailbox) -> None:
    case = open_case()
    for _each in range(email_links.MOST_A_DAY):
        ask(case)
    with pytest.raises(Refused, match="links were sent for this case within one day"):
        ask(case)


def test_a_rule_says_how_long_a_link_is_valid(mailbox: Mailbox) -> None:
    VerificationRule.objects.filter(type="erasure", regulation="gdpr").update(link_days=2)
    confirmation = sent()
    assert confirmation.expires_at is not None
    assert timedelta(days=1) < confirmation.expires_at - timezone.now() < timedelta(days=2)


def test_the_database_keeps_one_open_link_a_case(mailbox: Mailbox) -> None:
    confirmation = ask()
    with pytest.raises(IntegrityError, match="email_confirmation_one_open_a_case"), transaction.atomic():
        EmailConfirmation.objects.create(case=confirmation.case, valid_days=1)
