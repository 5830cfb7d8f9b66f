"""What is asked of a person by which rule, what is kept of it, and that nothing unverified can be approved."""

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import AuditEvent, Case, VerificationMethod, VerificationRule
from cases.services.closing import closing
from cases.services.person import identities, verification
from cases.services.person import rules as verification_rules
from cases.services.person.evidence import Evidence
from cases.services.refusal import Refused
from integrations.types import Correction, Identity, Regulation, RequestType
from tests.builders import MATCHED, actor, approved_case, open_case, processor, ready_case

pytestmark = pytest.mark.django_db

HAND = r"second_person_approves|link_sender_does_not_approve"
TWO = (("email", "ada@example.org"), ("controller_customer_id", "C-1"))


@pytest.fixture(autouse=True)
def _processor() -> None:
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    processor(credentials=dict.fromkeys(keys, "k"))


def shown(case: Case) -> dict[str, bool]:
    rows = case.subject.identities.values_list("type", "verified_at")
    return {kind: verified_at is not None for kind, verified_at in rows}


# --- rules


def test_every_type_that_may_be_verified_has_a_rule_and_an_opt_out_can_get_none() -> None:
    """The portal's own role makes no rule at all, and turns none into one."""
    wanted = {
        (kind, law)
        for kind in RequestType.values
        for law in Regulation.values
        if kind not in UNVERIFIED_TYPES
    }
    assert set(VerificationRule.objects.values_list("type", "regulation")) == wanted
    for law in Regulation.values:
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            VerificationRule.objects.create(
                type="opt_out",
                regulation=law,
                methods=["signed_in"],
                data_points=1,
                declaration=False,
                link_days=1,
            )
    with pytest.raises(IntegrityError, match="verification_rule_for_verifiable_types"), transaction.atomic():
        VerificationRule.objects.filter(type="access", regulation="gdpr").update(type="opt_out")


@pytest.mark.parametrize(
    ("type", "points", "declaration"),
    [("access", 3, True), ("portability", 3, True), ("erasure", 2, False), ("correction", 2, False)],
)
def test_the_ccpa_wants_more_where_data_is_given_out(type: str, points: int, declaration: bool) -> None:
    rule = VerificationRule.objects.get(type=type, regulation="ccpa")
    assert (rule.data_points, rule.declaration) == (points, declaration)


@pytest.mark.parametrize(
    "wrong",
    [
        {"methods": []},
        {"methods": ["x"]},
        {"data_points": 0},
        {"data_points": 9},
        {"link_days": 0},
        {"link_days": 31},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    rule = VerificationRule.objects.get(type="access", regulation="gdpr")
    said = {"methods": ["signed_in"], "data_points": 2, "declaration": False, "link_days": 7}
    with pytest.raises(Refused):
        verification_rules.change(rule, actor=actor("adam"), **{**said, **wrong})
    assert not AuditEvent.objects.filter(action="verification.rule_changed").exists()


def test_the_trail_tells_what_a_rule_was_and_what_it_is() -> None:
    rule = VerificationRule.objects.get(type="access", regulation="gdpr")
    said: dict[str, Any] = {"methods": ["signed_in", "matched_data"], "declaration": False, "link_days": 7}
    for _twice in range(2):
        verification_rules.change(rule, actor=actor("adam"), data_points=4, **said)
    event = AuditEvent.objects.get(action="verification.rule_changed")
    assert event.details["fields"] == ["methods", "data_points"]
    assert (event.details["data_points_from"], event.details["data_points_to"]) == (2, 4)
    assert event.details["methods_to"] == ["matched_data", "signed_in"]
    assert "document_seen" in event.details["methods_from"]


# --- what each method asks


@pytest.mark.parametrize(
    ("method", "evidence", "sentence"),
    [
        ("matched_data", Evidence(points=("name",)), "at least 2 matching data points"),
        ("matched_data", Evidence(points=("name", "name", "shoe_size")), "at least 2 matching data points"),
        ("document_seen", Evidence(), "the type of document you saw"),
        ("document_seen", Evidence(document="library_card"), "the type of document you saw"),
        ("authorised_agent", Evidence(directly=True), "the proof that the agent provided"),
        ("email_confirmed", MATCHED, "only be confirmed by the requester"),
        ("crystal_ball", MATCHED, "does not allow"),
    ],
)
def test_what_is_missing_is_a_sentence_and_nothing_is_kept(
    method: str, evidence: Evidence, sentence: str
) -> None:
    case = open_case()
    with pytest.raises(Refused, match=sentence):
        verification.record(case, actor=actor("agnes"), method=method, evidence=evidence, text="Typed.")
    case.refresh_from_db()
    assert (case.status, case.notes.count(), case.verifications.count()) == ("intake", 0, 0)


@pytest.mark.parametrize(
    ("method", "evidence", "kept"),
    [
        (
            "matched_data",
            Evidence(points=("order", "name")),
            {"points": ["name", "order"], "declaration": False},
        ),
        ("document_seen", Evidence(document="passport", proof="x"), {"document": "passport"}),
        ("signed_in", Evidence(), {}),
        (
            "authorised_agent",
            Evidence(proof="power_of_attorney", directly=True),
            {"proof": "power_of_attorney", "directly": True},
        ),
    ],
)
def test_each_method_keeps_its_own_codes_and_who_and_when(
    method: str, evidence: Evidence, kept: dict[str, Any]
) -> None:
    case = open_case(identities=TWO)
    verification.record(case, actor=actor("vera"), method=method, evidence=evidence, text="Said so.")
    case.refresh_from_db()
    row = case.verifications.get()
    keys = row.details.pop("identity_ids")
    assert (row.method, row.passed, row.by, row.details) == (method, True, actor("vera").user, kept)
    assert row.note == case.notes.get()
    assert sorted(keys) == sorted(str(pk) for pk in case.subject.identities.values_list("pk", flat=True))
    assert (case.status, case.verification_method, case.verified_by) == ("ready", method, actor("vera").user)


def test_where_specific_pieces_are_given_out_a_declaration_must_be_kept() -> None:
    case = open_case(type="access", regulation="ccpa")
    three = ("name", "order", "payment")
    with pytest.raises(Refused, match="penalty of perjury"):
        verification.record(
            case, actor=actor("agnes"), method="matched_data", evidence=Evidence(points=three)
        )
    verification.record(
        case, actor=actor("agnes"), method="matched_data", evidence=Evidence(points=three, declaration=True)
    )


def test_what_a_correction_contests_is_no_proof() -> None:
    corrections = [Correction("email", "ada@example.org", "new@example.org")]
    case = open_case(type="correction", identities=TWO, corrections=corrections)
    with pytest.raises(Refused, match="The value to correct"):
        verification.record(
            case,
            actor=actor("agnes"),
            method="matched_data",
            evidence=Evidence(points=("email", "name", "order")),
        )
    verification.record(
        case, actor=actor("agnes"), method="matched_data", evidence=Evidence(points=("name", "order"))
    )


def test_a_method_that_the_rule_does_not_allow_is_refused() -> None:
    VerificationRule.objects.filter(type="erasure", regulation="gdpr").update(methods=["signed_in"])
    with pytest.raises(Refused, match="does not allow"):
        verification.record(open_case(), actor=actor("agnes"), method="matched_data", evidence=MATCHED)
    verification.record(open_case(), actor=actor("agnes"), method="signed_in")


def test_a_failed_attempt_is_kept_and_leaves_the_person_unverified() -> None:
    case = open_case()
    agnes = actor("agnes")
    verification.fail(
        case,
        actor=agnes,
        method="matched_data",
        reason="no_match",
        evidence=Evidence(points=("name",)),
        text="Odd.",
    )
    with pytest.raises(Refused, match="Choose why the verification failed"):
        verification.fail(case, actor=agnes, method="matched_data", reason="x")
    case.refresh_from_db()
    row = case.verifications.get()
    assert (row.passed, row.details["failure"], row.details["points"]) == (False, "no_match", ["name"])
    assert (case.status, case.verified_at, shown(case)) == (CaseStatus.INTAKE, None, {"email": False})
    event = AuditEvent.objects.get(case=case, action="verification.failed")
    assert (event.reason, event.details["note"]) == ("no_match", str(case.notes.get().pk))
    verification.record(case, actor=agnes, method="signed_in")
    assert [row.passed for row in case.verifications.all()] == [False, True]


# --- identity by identity


def test_only_what_was_ticked_is_shown_to_be_the_persons() -> None:
    case = open_case(identities=TWO)
    ticked = [case.subject.identities.get(type="email").pk]
    verification.record(case, actor=actor("agnes"), method="signed_in", identities=ticked)
    assert shown(case) == {"email": True, "controller_customer_id": False}
    other = open_case(identities=[("email", "b@example.org")])
    for wrong in ([], ticked):
        with pytest.raises(
            Refused, match="Select at least one identifier that was confirmed as the requester’s"
        ):
            verification.record(other, actor=actor("agnes"), method="signed_in", identities=wrong)


def test_what_is_added_later_is_not_shown_until_somebody_shows_it() -> None:
    case = ready_case()
    with pytest.raises(Refused, match="The requester is already verified"):
        verification.record(case, actor=actor("vera"), method="signed_in")
    identities.change(case, actor=actor("agnes"), add=[Identity("other", "n-7")], remove=[])
    assert shown(case) == {"email": True, "other": False}
    verification.record(case, actor=actor("vera"), method="signed_in")
    case.refresh_from_db()
    assert shown(case) == {"email": True, "other": True}
    # Whoever showed more of the person has changed the case, and is not the second person any more.
    assert (case.status, case.changed_by) == ("ready", actor("vera").user)


def test_a_case_that_begins_anew_has_shown_nothing() -> None:
    case = ready_case(identities=TWO)
    closing.withdraw(case, actor=actor("agnes"))
    closing.reopen(case, actor=actor("pia"), reason="closed_by_mistake")
    assert shown(case) == {"email": False, "controller_customer_id": False}


def test_what_was_approved_keeps_what_was_shown() -> None:
    case = approved_case()
    assert shown(case) == {"email": True}


# --- the database refuses too


def approving(case: Case, user: object) -> dict[str, Any]:
    return {"approved_by": user, "approved_at": timezone.now(), "approval_digest": "x"}


@pytest.mark.parametrize("type", ["access", "portability", "erasure", "correction"])
def test_no_unverified_case_is_ready_or_approved_whoever_writes_it(type: str) -> None:
    corrections = [Correction("email", "ada@example.org", "b@example.org")] if type == "correction" else []
    case = open_case(type=type, identities=TWO, corrections=corrections)
    row = Case.objects.filter(pk=case.pk)
    for written in ({"status": "ready"}, approving(case, actor("pia").user)):
        with pytest.raises(IntegrityError, match="case_verified_before_approval"), transaction.atomic():
            row.update(**written)
    with (
        pytest.raises(IntegrityError, match="case_verified_before_approval"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE cases_case SET status = 'ready' WHERE id = %s", [case.pk])
    verification.record(case, actor=actor("agnes"), method="signed_in")
    with pytest.raises(IntegrityError, match="case_verified_before_approval"), transaction.atomic():
        row.update(verified_at=None, verified_by=None, verification_method="")


@pytest.mark.parametrize("type", ["erasure", "correction"])
@pytest.mark.parametrize("column", ["opened_by", "verified_by", "changed_by", "verification_asked_by"])
def test_who_had_a_hand_in_it_is_not_its_second_person(type: str, column: str) -> None:
    corrections = [Correction("email", "ada@example.org", "b@example.org")] if type == "correction" else []
    case = ready_case(type=type, identities=TWO, corrections=corrections)
    pia = actor("pia").user
    assert pia is not None
    row = Case.objects.filter(pk=case.pk)
    row.update(**{column: pia})
    with (
        pytest.raises(IntegrityError, match=HAND),
        transaction.atomic(),
    ):
        row.update(**approving(case, pia))
    with (
        pytest.raises(IntegrityError, match=HAND),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE cases_case SET approved_by_id = %s, approved_at = now(), approval_digest = 'x' WHERE id = %s",
            [pia.pk, case.pk],
        )
    row.update(**approving(case, actor("second").user))
    # Nor can it be written the other way round, once somebody has approved.
    with pytest.raises(IntegrityError), transaction.atomic():
        row.update(**{column: actor("second").user})


@pytest.mark.parametrize("column", ["opened_by", "verified_by", "changed_by", "verification_asked_by"])
def test_an_access_case_may_be_approved_by_who_opened_it(column: str) -> None:
    case = ready_case(type="access")
    Case.objects.filter(pk=case.pk).update(**{column: actor("pia").user})
    assert Case.objects.filter(pk=case.pk).update(**approving(case, actor("pia").user)) == 1


@pytest.mark.parametrize(
    "method", [method for method in VerificationMethod.values if method != "email_confirmed"]
)
def test_only_a_link_verifies_without_one_of_us(method: str) -> None:
    case = open_case()
    with pytest.raises(IntegrityError, match="case_verified_by_someone"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(verified_at=timezone.now(), verification_method=method)
    with pytest.raises(IntegrityError, match="verification_recorded_by_someone"), transaction.atomic():
        case.verifications.create(method=method, passed=True)
