"""Telling that one person asked for the same thing twice: a suggestion, made of verified identities alone.

What somebody typed proves nothing: whoever files a case with another person's address can neither have that person's
case closed nor be mistaken for them. So both cases are verified, and share an identity that was verified on both sides.
The regulation must be the same too: two laws run two clocks, and ask for two answers. A case that is closed was
answered; whoever asks again afterwards is owed another answer.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import Action, Case, PossibleDuplicate, SubjectIdentity
from cases.services import audit, progress
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence

# Of one person so many cases are looked at, the oldest first: nobody compares more.
MOST: Final = 20


def others(case: Case) -> QuerySet[Case]:
    """Open cases in which the same verified person asks for the same, received within DUPLICATE_WINDOW_DAYS."""
    if case.verified_at is None or case.status == CaseStatus.CLOSED:
        return Case.objects.none()
    verified = SubjectIdentity.objects.filter(verified_at__isnull=False)
    mine = verified.filter(subject=case.subject_id)
    same = verified.filter(blind_index__in=mine.values("blind_index"))
    window = timedelta(days=settings.DUPLICATE_WINDOW_DAYS)
    return (
        Case.objects.filter(
            subject__in=same.values("subject"),
            type=case.type,
            regulation=case.regulation,
            verified_at__isnull=False,
            received_at__range=(case.received_at - window, case.received_at + window),
        )
        .exclude(status=CaseStatus.CLOSED)
        .exclude(pk=case.pk)
        .order_by("received_at", "pk")
    )


def refresh(case: Case) -> None:
    """Bring the suggestions about a locked case in line with what is known of its person."""
    _take_turns(case)
    found = set(others(case).values_list("pk", flat=True)[:MOST])
    known = {_other_key(pair, case): pair for pair in of_case(case)}
    gone = [pair.pk for key, pair in known.items() if key not in found and pair.dismissed_at is None]
    PossibleDuplicate.objects.filter(pk__in=gone).delete()
    PossibleDuplicate.objects.bulk_create(
        (
            PossibleDuplicate(
                first_id=min(case.pk, key), second_id=max(case.pk, key), found_at=timezone.now()
            )
            for key in sorted(found - known.keys())
        ),
        ignore_conflicts=True,
    )


def _take_turns(case: Case) -> None:
    """Of two cases of one person that are verified at the same moment the second finds the first."""
    indexes = SubjectIdentity.objects.filter(subject=case.subject_id, verified_at__isnull=False)
    keys = sorted(bytes(index)[:8] for index in indexes.order_by().values_list("blind_index", flat=True))
    with connection.cursor() as cursor:
        for key in keys:
            high, low = (int.from_bytes(key[at : at + 4], "big", signed=True) for at in (0, 4))
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [high, low])


def of_case(case: Case) -> QuerySet[PossibleDuplicate]:
    """Every pair that a case is one of, dismissed ones too."""
    return PossibleDuplicate.objects.filter(Q(first=case.pk) | Q(second=case.pk))


def open_pairs() -> QuerySet[PossibleDuplicate]:
    """Pairs of which both are open and that nobody has dismissed."""
    return (
        PossibleDuplicate.objects.filter(dismissed_at__isnull=True)
        .exclude(first__status=CaseStatus.CLOSED)
        .exclude(second__status=CaseStatus.CLOSED)
    )


def suggested() -> QuerySet[Case]:
    """Cases with a possible duplicate that somebody should look at."""
    pairs = open_pairs()
    return Case.objects.filter(pk__in=pairs.values("first").union(pairs.values("second")))


def forget_closed() -> int:
    """Delete suggestions about cases that have been closed since: what was dismissed stays. How many."""
    closed = Q(first__status=CaseStatus.CLOSED) | Q(second__status=CaseStatus.CLOSED)
    gone, _rows = PossibleDuplicate.objects.filter(closed, dismissed_at__isnull=True).delete()
    return gone


def dismiss(case: Case, other: Case, *, actor: Actor) -> None:
    """Record that two cases are no duplicates: neither is suggested for the other any more.

    Raises Refused where no person decides.
    """
    if actor.user is None:
        raise Refused(Sentence("Duplicates must be marked by a user."))
    _decide(case, other, actor=actor, action=Action.DUPLICATE_DISMISSED)


def suggest_again(case: Case, other: Case, *, actor: Actor) -> None:
    """Take back that the two are no duplicates."""
    _decide(case, other, actor=actor, action=Action.DUPLICATE_SUGGESTED_AGAIN)


def _decide(case: Case, other: Case, *, actor: Actor, action: Action) -> None:
    dismissed = action == Action.DUPLICATE_DISMISSED
    with progress.locked_together({case.pk, other.pk}) as cases:
        changed = (
            of_case(case)
            .filter(Q(first=other.pk) | Q(second=other.pk), dismissed_at__isnull=dismissed)
            .update(
                dismissed_at=timezone.now() if dismissed else None,
                dismissed_by=actor.user if dismissed else None,
            )
        )
        if not changed:
            raise Superseded
        for one, against in _both_ways(cases[case.pk], cases[other.pk]):
            audit.record(action, actor=actor, case=one, details={"other": against.reference})


def _both_ways(case: Case, other: Case) -> Iterator[tuple[Case, Case]]:
    yield case, other
    yield other, case


def _other_key(pair: PossibleDuplicate, case: Case) -> int:
    return pair.second_id if pair.first_id == case.pk else pair.first_id
