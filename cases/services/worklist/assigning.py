"""Assigns, defers and tags cases; none of it moves the case or its clock."""

import re
from collections.abc import Collection
from datetime import date
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import Action, Case, Tag
from cases.services import audit, progress, versions
from cases.services.exclusion import CLOSED, Exclusion
from cases.services.refusal import Refused, Superseded
from dsrportal.models import User
from dsrportal.sentence import Sentence

MOST_TAGS = 12
# What stands in lists and addresses is a word, and no address of a person.
_WORD = re.compile(r"[\w .&/+-]{1,40}")


def assign(case: Case, *, actor: Actor, assignee: User | None, seen: int | None) -> Case:
    """Hand an open case to somebody, or to nobody. `seen` is the key of whom the page showed, so that of two people who
    take a case at once the second hears of it: raises Superseded.

    Raises Refused for an account that is not active.
    """
    if assignee is not None and not assignee.is_active:
        raise Refused(Sentence("This account is not active. Choose another one."))
    with progress.locked(case.pk) as locked:
        _refuse_closed(locked)
        versions.refuse_conflict(locked, actor=actor, touching=versions.ASSIGNEE)
        if locked.assignee_id != seen:
            name = locked.assignee.get_username() if locked.assignee else Sentence("nobody")
            raise Superseded(
                Sentence(
                    "The case was assigned to %(name)s in the meantime. Review it and try again.",
                    name=name,
                )
            )
        if locked.assignee != assignee:
            progress.write(locked, assignee=assignee)
            account = assignee.get_username() if assignee else "nobody"
            audit.record(Action.CASE_ASSIGNED, actor=actor, case=locked, details={"account": account})
        return locked


def assigned_to(assignee_id: int | None) -> Exclusion:
    """Cases that somebody, or nobody, works already: to assign them to the same is no change."""
    return Exclusion("assigned", Q(assignee=assignee_id), refused=False)


def defer(case: Case, *, actor: Actor, until: date | None) -> Case:
    """Say from which day on somebody should look at an open case again; None: now. Raises Refused for a day that is
    past, or after its legal date."""
    with progress.locked(case.pk) as locked:
        _refuse_closed(locked)
        versions.refuse_conflict(locked, actor=actor, touching=versions.FOLLOW_UP)
        due_on = locked.clocks.order_by("due_on").values_list("due_on", flat=True).first()
        if until is not None and until <= timezone.localdate():
            raise Refused(Sentence("Choose a day in the future."))
        if until is not None and due_on is not None and until >= due_on:
            raise Refused(Sentence("The case is due on %(due_on)s. Choose a day before that.", due_on=due_on))
        if locked.follow_up_on != until:
            progress.write(locked, follow_up_on=until)
            words = until.isoformat() if until else "now"
            audit.record(Action.CASE_DEFERRED, actor=actor, case=locked, details={"until": words})
        return locked


def tag(case: Case, *, actor: Actor, names: Collection[str]) -> Case:
    """Give a case exactly these tags, whatever their capitals; new ones are made. Raises Refused for no word."""
    wanted = {name.lower(): name for name in (" ".join(name.split()) for name in names) if name}
    if any(not _WORD.fullmatch(name) for name in wanted.values()):
        raise Refused(
            Sentence(
                "A tag can have up to 40 characters: letters, digits, spaces and . & / + - only. Do not use "
                "personal data."
            )
        )
    if len(wanted) > MOST_TAGS:
        raise Refused(Sentence("A case can have up to %(count)s tags.", count=MOST_TAGS))
    with progress.locked(case.pk) as locked:
        _refuse_closed(locked)
        versions.refuse_conflict(locked, actor=actor, touching=versions.TAGS)
        has = {each.name.lower(): each for each in locked.tags.all()}
        added = [_tag(name) for key, name in wanted.items() if key not in has]
        removed = [each for key, each in has.items() if key not in wanted]
        if added or removed:
            locked.tags.add(*added)
            locked.tags.remove(*removed)
            audit.record(
                Action.CASE_TAGGED,
                actor=actor,
                case=locked,
                details={
                    "added": sorted(each.name for each in added),
                    "removed": sorted(each.name for each in removed),
                },
            )
        return locked


def _tag(name: str) -> Tag:
    """Of two who use a new word at once both get the same."""
    known = Tag.objects.filter(name__iexact=name).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return Tag.objects.create(name=name)
    except IntegrityError:
        return Tag.objects.get(name__iexact=name)


# Cases that `_refuse_closed` refuses.
NOT_OPEN: Final = (CLOSED,)


def _refuse_closed(case: Case) -> None:
    if case.status == CaseStatus.CLOSED:
        raise Refused(Sentence("The case is closed. Reopen it first."))
