"""A form of our own opens cases: what it is answered, and what of it is kept."""

import json
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from cases.actor import SCHEDULE
from cases.models import AuditEvent, Case, IntakeReceipt, SubjectIdentity
from cases.services.intake import opening, receipts
from cases.services.intake import sources as intake_sources
from cases.services.intake.rules import Asked
from cases.services.person import verification
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from integrations.types import Identity
from tests import builders
from tests.cases.intake.refusals import REFUSALS, Refusal
from tests.cases.intake_api import CASES, erasure, form
from tests.live import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _processor(db: None) -> None:
    builders.processor()


def faults(answer: Any) -> dict[str, str]:
    return {each["pointer"]: each["detail"] for each in answer.json()["errors"]}


def test_a_case_is_opened_and_nothing_more() -> None:
    website = form()
    answer = website.open(erasure(language="de", external_reference="form-17"))
    case = Case.objects.get()
    due_on = case.clocks.get().due_on
    assert answer.status_code == 201
    assert answer.json() == {
        "reference": case.reference,
        "status": "received",
        "due_on": due_on.isoformat(),
    }
    assert answer["Location"] == f"{CASES}/{case.reference}"
    assert (case.status, case.opened_by, case.intake_source, case.changed_by) == (
        "intake",
        None,
        website.source,
        None,
    )
    assert not case.requests.exists()
    assert SubjectIdentity.objects.get().value == "Ada.Lovelace@Example.org"
    receipt = IntakeReceipt.objects.select_related("case__data_key").get()
    assert (receipt.external_reference, receipt.language) == ("form-17", "de")


def test_the_trail_says_which_form_it_was_and_from_where() -> None:
    form().open()
    events = AuditEvent.objects.filter(case__isnull=False)
    assert {(event.actor, event.actor_label, event.source, event.address) for event in events} == {
        (None, "Website", "api", "192.0.2.9")
    }


def test_neither_session_nor_cookie_nor_csrf_token_has_a_part_in_it() -> None:
    website = form()
    strict = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {website.token}", "Idempotency-Key": "k-1"}
    answer = strict.post(CASES, json.dumps(erasure()), content_type="application/json", headers=headers)
    assert answer.status_code == 201
    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"


def test_an_opt_out_leaves_at_once() -> None:
    builders.processor(
        workspace=1, account="4303", credentials=dict.fromkeys(("input_key", "input_secret"), "k")
    )
    answer = form().open({**erasure(), "type": "opt_out", "purposes": ["advertising"]})
    assert (answer.status_code, answer.json()["status"]) == (201, "working")
    assert Case.objects.get().requests.filter(status="queued").exists()


# --- once


def test_the_same_key_and_body_give_the_same_answer() -> None:
    website = form()
    first = website.open(key="k-1")
    reordered = json.dumps(dict(reversed(erasure().items())), indent=2).encode()
    again = website.open(reordered, key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Case.objects.count() == 1


def test_the_first_answer_is_given_also_when_the_case_went_on() -> None:
    website = form()
    first = website.open(key="k-1")
    verification.record(Case.objects.get(), actor=builders.actor("agnes"), method="signed_in")
    assert website.open(key="k-1").json() == first.json()


def test_the_same_key_with_another_body_is_refused() -> None:
    website = form()
    website.open(key="k-1")
    answer = website.open(erasure(language="de"), key="k-1")
    assert (answer.status_code, answer.json()["type"]) == (
        422,
        "urn:dsr-portal:problem:idempotency-key-reused",
    )
    assert Case.objects.count() == 1


def test_each_source_has_keys_of_its_own() -> None:
    assert form().open(key="k-1").status_code == 201
    assert form("App").open(key="k-1").status_code == 201
    assert Case.objects.count() == 2


def test_a_refused_body_may_be_put_right_under_its_key() -> None:
    website = form()
    assert website.open(erasure(type="erazure"), key="k-1").status_code == 422
    assert website.open(key="k-1").status_code == 201


def test_keys_are_kept_as_hashes_and_forgotten_after_a_week() -> None:
    website = form()
    website.open(key="k-1")
    assert receipts.forget_keys() == 0
    IntakeReceipt.objects.update(made_at=timezone.now() - timedelta(days=8))
    assert receipts.forget_keys() == 1
    assert website.open(key="k-1").status_code == 201
    assert IntakeReceipt.objects.filter(key_hash=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_opens_the_case() -> None:
    website, answers, start = form(), [], threading.Barrier(6)

    def ask() -> None:
        start.wait()
        answers.append(website.open(key="k-1"))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 200, 201]
    assert len({answer.content for answer in answers}) == 1
    assert Case.objects.count() == IntakeReceipt.objects.count() == 1


# --- who


def test_no_unknown_and_inactive_tokens_are_answered_alike() -> None:
    website = form()
    bare = website.open(Authorization="")
    unknown = website.open(Authorization="Bearer dsrp_unknown")
    basic = website.open(Authorization=f"Basic {website.token}")
    intake_sources.deactivate(website.source, actor=builders.actor("ivy"))
    inactive = website.open()
    for answer in (bare, unknown, basic, inactive):
        assert (answer.status_code, answer.content) == (401, bare.content)
        assert answer["WWW-Authenticate"] == 'Bearer realm="intake"'
    assert not Case.objects.exists()


def test_a_rotated_token_is_worth_nothing_from_then_on() -> None:
    website = form()
    old, website.token = website.token, intake_sources.rotate(website.source, actor=builders.actor("ivy"))
    assert website.open(Authorization=f"Bearer {old}").status_code == 401
    assert website.open().status_code == 201


def test_a_source_opens_only_what_it_may() -> None:
    website = form(types=["access"], regulations=["ccpa"])
    answer = website.open()
    assert answer.status_code == 403
    assert set(faults(answer)) == {"/type", "/regulation"}
    assert not Case.objects.exists()


def test_when_it_was_used_is_known_to_the_hour() -> None:
    website = form()
    website.open()
    website.source.refresh_from_db()
    used = website.source.last_used_at
    assert used is not None
    assert (used.minute, used.second, used.microsecond) == (0, 0, 0)


# --- how often


def test_so_many_a_minute_and_no_more() -> None:
    website = form(per_minute=3)
    assert [website.open().status_code for _ in range(4)] == [201, 201, 201, 429]
    answer = website.look("DSR-2026-000001")
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert form("App").open().status_code == 201


def test_without_the_queue_store_nothing_passes_and_nothing_is_opened() -> None:
    website = form()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        answer = website.open()
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert not Case.objects.exists()


# --- what


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"type": "erazure"}, "/type"),
        ({"regulation": "lgpd"}, "/regulation"),
        ({"type": 7}, "/type"),
        ({"received_at": "2026-05-04T09:30:00"}, "/received_at"),
        ({"received_at": "2026-02-31T09:30:00Z"}, "/received_at"),
        ({"received_at": "0001-01-01T00:00:00+14:00"}, "/received_at"),
        ({"identities": {}}, "/identities"),
        ({"identities": [{"type": "email", "value": "a@b.example"}] * 201}, "/identities"),
        ({"identities": [7]}, "/identities/0"),
        ({"identities": [{"type": "mail", "value": "ada@example.org"}]}, "/identities/0/type"),
        ({"identities": [{"type": "email"}]}, "/identities/0"),
        ({"identities": [{"type": "email", "value": " "}]}, "/identities/0/value"),
        ({"identities": [{"type": "email", "value": "a" * 1001}]}, "/identities/0/value"),
        ({"identities": [{"type": "email", "value": "a\x00b"}]}, "/identities/0/value"),
        ({"identities": [{"type": "email", "value": "\ud800"}]}, "/identities/0/value"),
        ({"identities": [{"type": "email", "value": "a@b.example", "ada@c": 1}]}, "/identities/0"),
        ({"purposes": "advertising"}, "/purposes"),
        ({"purposes": [""]}, "/purposes/0"),
        ({"language": "german please"}, "/language"),
        ({"external_reference": "ada@example.org"}, "/external_reference"),
        ({"ada@example.org": True}, ""),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place_and_without_its_value(
    change: dict[str, Any], pointer: str
) -> None:
    answer = form().open(erasure(**change))
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert pointer in faults(answer)
    told = answer.content.decode()
    for value in ("erazure", "lgpd", "ada@", "x@y", "a@b", "german"):
        assert value not in told
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "refusal",
    [refusal for refusal in REFUSALS if refusal.place is not None],
    ids=lambda refusal: str(refusal.change),
)
def test_what_cannot_be_opened_is_said_with_its_place_and_without_its_value(refusal: Refusal) -> None:
    answer = form().open(erasure(**refusal.body))
    assert answer.status_code == 422
    assert list(faults(answer)) == [refusal.place]
    told = answer.content.decode()
    assert (refusal.there or refusal.sentence) in told
    for value in ("a@b", "b@b", "x@y", "Ada.", "advertising"):
        assert value.casefold() not in told.casefold()
    assert not Case.objects.exists()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    answer = form().open({"regulation": "lgpd", "language": "?", "received_at": "1999-05-04T09:30:00Z"})
    assert set(faults(answer)) == {"", "/regulation", "/language", "/received_at", "/identities"}


def test_places_are_those_of_the_body_also_where_a_row_before_could_not_be_read() -> None:
    website, rows = form(), [7, *[{"type": "email", "value": "a@b.example"}] * 2]
    assert list(faults(website.open(erasure(identities=rows)))) == ["/identities/0", "/identities/2"]
    assert list(faults(website.open(erasure(identities=[7])))) == ["/identities/0"]


@pytest.mark.parametrize(
    "raw",
    [
        b" ",
        b"{",
        b"\xff",
        b'{"type": "erasure", "type": "access"}',
        b'{"type": NaN}',
        b"[" * 30_000,
        b'{"type": ' + b"9" * 5000 + b"}",
    ],
    ids=["nothing", "half", "no text", "twice", "no number", "deep", "long"],
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    assert form().open(raw).status_code == 400


@pytest.mark.parametrize("raw", [b"[]", b"7", b"null", b'"erasure"'])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    assert form().open(raw).status_code == 422


@pytest.mark.parametrize("key", ["", "ä", "with blank", "k" * 256])
def test_a_key_is_needed_and_has_a_form(key: str) -> None:
    assert form().open(key=key).status_code == 400


def test_other_media_and_large_bodies_are_refused() -> None:
    website = form()
    assert website.open(**{"Content-Type": "text/plain"}).status_code == 415
    assert website.open(b" " * 65_537).status_code == 413


def test_a_form_whose_clock_is_a_little_ahead_is_taken() -> None:
    ahead = (timezone.now() + timedelta(seconds=60)).isoformat(timespec="seconds")
    assert form().open(erasure(received_at=ahead)).status_code == 201
    assert Case.objects.get().received_at <= timezone.now()


def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    website = form()
    with caplog.at_level(logging.DEBUG):
        website.open()
        website.open(erasure(type="erazure"))
        website.open(Authorization="Bearer dsrp_wrong")
        reference = Case.objects.get().reference
        website.look(f"{reference}-other")
    for word in (website.token, "dsrp_wrong", "Lovelace", "erazure"):
        assert word not in caplog.text


# --- where it stands


def test_a_source_is_told_of_its_own_cases_and_of_no_others() -> None:
    website, app = form(), form("App")
    reference = website.open().json()["reference"]
    told = website.look(reference)
    assert set(told.json()) == {"reference", "status", "outcome", "due_on"}
    assert (told.json()["status"], told.json()["outcome"]) == ("received", None)
    by_hand = builders.open_case().reference
    unknown = website.look("DSR-2026-999999")
    assert unknown.status_code == 404
    for other in (app.look(reference), website.look(by_hand), website.look("x")):
        assert (other.status_code, other.content) == (404, unknown.content)
    assert website.look(reference, Authorization="").status_code == 401


def test_who_decides_inside_is_not_told() -> None:
    website = form()
    reference = website.open().json()["reference"]
    verification.record(Case.objects.get(), actor=builders.actor("agnes"), method="signed_in")
    assert website.look(reference).json()["status"] == "working"


@pytest.mark.parametrize(("verified", "outcome"), [(True, "denied"), (False, None)])
def test_the_outcome_is_told_of_verified_persons_alone(verified: bool, outcome: str | None) -> None:
    website = form()
    reference = website.open().json()["reference"]
    if verified:
        verification.record(Case.objects.get(), actor=builders.actor("agnes"), method="signed_in")
    approval.deny(Case.objects.get(), actor=builders.actor("pia"), reason="legal_obligation")
    told = website.look(reference).json()
    assert (told["status"], told["outcome"]) == ("closed", outcome)


# --- four eyes


def test_a_form_approves_nothing_and_who_verified_does_not_either() -> None:
    website = form()
    website.open()
    case = verification.record(Case.objects.get(), actor=builders.actor("agnes"), method="signed_in")
    itself = intake_sources.actor_of(website.source, address="")
    assert str(approval.why_not(case, actor=itself)) == "A case must be approved by a user."
    assert approval.why_not(case, actor=builders.actor("agnes"))
    assert approval.why_not(case, actor=builders.actor("pia")) is None
    approved = approval.approve(case, actor=builders.actor("pia"), digest=planning.digest(case))
    assert approved.status == "working"


@pytest.mark.parametrize("column", ["verified_by", "changed_by"])
def test_the_database_wants_a_second_person_where_nobody_opened_it(column: str) -> None:
    form().open()
    case = verification.record(Case.objects.get(), actor=builders.actor("agnes"), method="signed_in")
    pia = builders.actor("pia").user
    approved = {"approved_by": pia, "approved_at": timezone.now(), "approval_digest": "d"}
    with pytest.raises(IntegrityError, match="case_second_person_approves"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(**{column: pia}, **approved)
    assert Case.objects.filter(pk=case.pk).update(**approved) == 1


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_database_wants_a_case_opened_by_exactly_one(by_hand: bool) -> None:
    website = form()
    case = builders.open_case() if by_hand else None
    if case is None:
        website.open()
        case = Case.objects.get()
    agnes = builders.actor("agnes").user
    wrong = {"intake_source": website.source} if by_hand else {"opened_by": agnes}
    neither: dict[str, Any] = {"opened_by": None} if by_hand else {"intake_source": None, "changed_by": agnes}
    for change in (wrong, neither):
        with pytest.raises(IntegrityError, match="case_opened_by_one"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**change)
    if by_hand:
        with pytest.raises(IntegrityError, match="case_changed_by_someone"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(changed_by=None)


def test_a_case_is_opened_by_a_person_or_through_a_source_and_not_by_both() -> None:
    website = form()
    asked = Asked("erasure", "gdpr", timezone.now(), (Identity("email", "ada@example.org"),))
    with pytest.raises(Refused):
        opening.open_case(asked, actor=builders.actor("agnes"), through=website.source)
    with pytest.raises(Refused):
        opening.open_case(asked, actor=SCHEDULE)


@pytest.mark.parametrize(
    "reference", ["%00", "DSR-2026-000001%00", "%C3%A4", "DSR-2026-000001%0A", "x" * 300]
)
def test_a_reference_that_nobody_has_is_not_found_whatever_is_in_it(reference: str) -> None:
    answer = form().look(reference)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:dsr-portal:problem:not-found")
