"""Suggesting that one person asked twice: only where both were verified, and by what was verified on both sides."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases import jobs
from cases.models import Action, AuditEvent, Case, PossibleDuplicate, SubjectIdentity
from cases.services import audit, progress
from cases.services.closing import closing
from cases.services.person import identities, verification
from cases.services.planning import suggestions
from cases.services.refusal import Refused, Superseded
from integrations.models import Processor
from integrations.types import Identity
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.test_locking import until_somebody_waits

pytestmark = pytest.mark.django_db

ADA = [("email", "ada@example.org")]
MORE = [*ADA, ("controller_customer_id", "C-1815")]


@pytest.fixture(autouse=True)
def target() -> Processor:
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    return processor(credentials=dict.fromkeys(keys, "k"))


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def pairs() -> set[tuple[int, int]]:
    return set(PossibleDuplicate.objects.values_list("first", "second"))


def suggested() -> set[int]:
    return set(suggestions.suggested().values_list("pk", flat=True))


def test_two_verified_cases_of_one_person_are_suggested_once_both_are() -> None:
    first, second = open_case(identities=MORE), open_case(identities=[("email", " ADA@Example.org ")])
    verification.record(first, actor=actor("agnes"), method="signed_in")
    assert pairs() == set(), "the other has shown nothing yet"
    verification.record(second, actor=actor("agnes"), method="signed_in")
    assert pairs() == {(first.pk, second.pk)}
    assert suggested() == {first.pk, second.pk}


@pytest.mark.parametrize(
    "other",
    [
        {"identities": [("email", "bob@example.org")]},
        # The same letters as another kind of identity are another person's, for all we know.
        {"identities": [("other", "ada@example.org")]},
        {"identities": ADA, "type": "access"},
        # Two laws run two clocks, and ask for two answers.
        {"identities": ADA, "regulation": "ccpa"},
        {"identities": ADA, "received_at": timezone.now() - timedelta(days=91)},
    ],
    ids=["another person", "another kind", "another type", "another law", "too long ago"],
)
def test_what_is_not_suggested(other: dict[str, Any]) -> None:
    ready_case(identities=ADA)
    ready_case(**other)
    assert pairs() == set()


def test_how_far_apart_is_a_setting(settings: Any) -> None:
    settings.DUPLICATE_WINDOW_DAYS = 10
    for days in (0, 9, 12):
        ready_case(identities=ADA, received_at=days_ago(days))
    now, nine, twelve = Case.objects.order_by("pk")
    assert pairs() == {(now.pk, nine.pk), (nine.pk, twelve.pk)}


# --- a stranger's request suppresses nobody's


def test_who_files_with_another_person_s_address_is_not_taken_for_them() -> None:
    victim = ready_case(identities=ADA)
    stranger = open_case(identities=ADA)
    assert pairs() == set()
    assert not suggestions.others(victim).exists()
    assert not suggestions.others(stranger).exists()
    victim.refresh_from_db()
    assert (victim.status, victim.outcome) == ("ready", "")


def test_nor_is_who_was_verified_as_somebody_else_and_adds_the_address_later() -> None:
    victim = ready_case(identities=ADA)
    stranger = ready_case(identities=[("email", "mallory@example.org")])
    identities.change(stranger, actor=actor("agnes"), add=[Identity(*ADA[0])], remove=[])
    added = SubjectIdentity.objects.get(subject=stranger.subject_id, position=1)
    assert added.verified_at is None
    assert pairs() == set()
    assert not suggestions.others(victim).exists()
    assert not suggestions.others(Case.objects.get(pk=stranger.pk)).exists()


def test_an_opt_out_which_is_never_verified_is_never_suggested() -> None:
    for _number in range(2):
        open_case(type="opt_out", regulation="ccpa", identities=ADA)
    assert pairs() == set()


# --- kept in line


def test_an_identity_that_goes_takes_the_suggestion_along() -> None:
    first, second = ready_case(identities=MORE), ready_case(identities=ADA)
    assert pairs() == {(first.pk, second.pk)}
    shared = SubjectIdentity.objects.get(subject=first.subject_id, type="email")
    identities.change(first, actor=actor("agnes"), add=[], remove=[shared.pk])
    assert pairs() == set()


def test_a_closed_case_is_suggested_no_more_and_again_once_reopened() -> None:
    first, second = ready_case(identities=ADA), ready_case(identities=ADA)
    closing.withdraw(second, actor=actor("agnes"))
    assert suggested() == set()
    jobs.purge()
    assert pairs() == set()
    closing.reopen(second, actor=actor("pia"), reason="closed_by_mistake")
    assert pairs() == set(), "nothing was approved, so the person is to be verified anew"
    verification.record(Case.objects.get(pk=second.pk), actor=actor("agnes"), method="signed_in")
    assert pairs() == {(first.pk, second.pk)}


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_verified_at_once_the_second_finds_the_first() -> None:
    first, second = open_case(identities=ADA), open_case(identities=ADA)
    agnes = actor("agnes")

    def verify_the_second() -> None:
        try:
            verification.record(second, actor=agnes, method="signed_in")
        finally:
            connection.close()

    rival = threading.Thread(target=verify_the_second)
    with transaction.atomic():
        verification.record(first, actor=agnes, method="signed_in")
        rival.start()
        until_somebody_waits()
    rival.join(10)
    assert pairs() == {(first.pk, second.pk)}


# --- said to be none


def test_a_dismissed_pair_is_suggested_to_nobody_and_both_chains_say_so() -> None:
    first, second = ready_case(identities=ADA), approved_case(identities=ADA)
    suggestions.dismiss(second, first, actor=actor("agnes"))
    assert suggested() == set()
    for case, other in ((first, second), (second, first)):
        event = AuditEvent.objects.get(case=case, action=Action.DUPLICATE_DISMISSED)
        assert (event.sentence, event.actor_label) == (f"Marked {other} as not a duplicate", "agnes")
        assert audit.verify(f"case:{case.pk}") == []
    with progress.locked(first.pk) as locked:
        suggestions.refresh(locked)
    assert suggested() == set(), "looking again asks nobody twice"
    suggestions.suggest_again(first, second, actor=actor("pia"))
    assert suggested() == {first.pk, second.pk}
    assert AuditEvent.objects.filter(action=Action.DUPLICATE_SUGGESTED_AGAIN).count() == 2


def test_what_was_decided_by_somebody_else_meanwhile_is_said_so() -> None:
    first, second = ready_case(identities=ADA), ready_case(identities=ADA)
    suggestions.dismiss(first, second, actor=actor("agnes"))
    with pytest.raises(Superseded):
        suggestions.dismiss(second, first, actor=actor("pia"))
    stranger = ready_case(identities=[("email", "bob@example.org")])
    with pytest.raises(Refused):
        suggestions.dismiss(first, stranger, actor=actor("agnes"))


def test_the_database_holds_a_pair_once_and_in_order() -> None:
    first, second = ready_case(identities=ADA), ready_case(identities=ADA)
    for one, other in ((first, second), (second, first), (first, first)):
        with pytest.raises(IntegrityError), transaction.atomic():
            PossibleDuplicate.objects.create(first=one, second=other, found_at=timezone.now())


def test_finding_costs_no_more_where_there_are_many(django_assert_max_num_queries: Any) -> None:
    for _number in range(suggestions.MOST + 3):
        last = ready_case(identities=ADA)
    with django_assert_max_num_queries(9), progress.locked(last.pk) as locked:
        suggestions.refresh(locked)
    assert suggestions.of_case(last).count() >= suggestions.MOST
