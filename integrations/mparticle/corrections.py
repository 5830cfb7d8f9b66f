"""Corrections of identities: IDSync replaces a profile's old value by the new one."""

from collections.abc import Sequence
from enum import Enum, auto
from uuid import uuid5

from dsrportal.sentence import NOTHING, Sentence
from integrations.errors import Rejected
from integrations.mparticle.idsync import IdSync, searchable
from integrations.mparticle.vocabulary import IDSYNC_IDENTITIES
from integrations.opendsr import drafts
from integrations.types import (
    Correction,
    Draft,
    Identity,
    IdentityType,
    Report,
    ReportedAnswer,
    ReportedStatus,
    Submission,
)

NOTHING_FOUND = Sentence("No profile found by the old or the new values. Nothing was changed.")
DONE_ALREADY = Sentence("The new values were already there.")
DONE_IN_PART = Sentence("Some of the old values were not found. The others were replaced.")
NOT_CARRIED = Sentence("A profile was found, but not with the old values. Nothing was changed.")


class _Came(Enum):
    """What came of one change."""

    CHANGED = auto()
    THERE_ALREADY = auto()
    # The profile is there, the old value is not.
    NOT_CARRIED = auto()
    NO_PROFILE = auto()


_AS_ASKED = frozenset({_Came.CHANGED, _Came.THERE_ALREADY})


def check(draft: Draft) -> list[Sentence]:
    """Sentences on what no correction can change."""
    sentences = drafts.check_identities(draft.identities)
    if draft.skip_waiting_period:
        sentences.append(Sentence("Only an erasure has a waiting period that can be skipped."))
    if not draft.corrections:
        sentences.append(Sentence("A correction must contain at least one identifier and its new value."))
    for change in draft.corrections:
        label = (
            IdentityType(change.type).label
            if change.type in IdentityType.values
            else Sentence("of an unknown type")
        )
        if change.type not in IDSYNC_IDENTITIES:
            sentences.append(Sentence("mParticle cannot change the identifier “%(label)s”.", label=label))
        elif not change.new_value.strip():
            sentences.append(Sentence("The identifier “%(label)s” has no new value.", label=label))
        elif change.new_value == change.old_value:
            sentences.append(
                Sentence("The identifier “%(label)s” has the same value before and after.", label=label)
            )
    return list(dict.fromkeys(sentences))


def carry_out(request: Submission, *, idsync: IdSync) -> Report:
    """Change each value on the profile it leads to. Repeated after it was done, it finds the new values there."""
    came: set[_Came] = set()
    for portion, changes in _portions(request.identities, request.corrections):
        came |= _change(request, portion, changes, idsync=idsync)
    answer, remark = _amounts_to(came)
    return Report(
        request_id=request.request_id,
        status=ReportedStatus.COMPLETED,
        raw_status="",
        answer=answer,
        remark=remark,
    )


def _amounts_to(came: set[_Came]) -> tuple[ReportedAnswer, Sentence]:
    if not came & _AS_ASKED:
        if _Came.NOT_CARRIED in came:
            return ReportedAnswer.NOT_APPLICABLE, NOT_CARRIED
        return ReportedAnswer.NO_DATA_HELD, NOTHING_FOUND
    if came - _AS_ASKED:
        return ReportedAnswer.DONE, DONE_IN_PART
    return ReportedAnswer.DONE, NOTHING if _Came.CHANGED in came else DONE_ALREADY


def _portions(
    identities: Sequence[Identity], corrections: Sequence[Correction]
) -> list[tuple[tuple[Identity, ...], list[Correction]]]:
    """What to search by, and what to change on the profile that is found: a search holds one value of a type.

    Old values come first, so that as many as can be are searched together, with all else that is known.
    """
    old = {Identity(change.type, change.old_value): change for change in corrections}
    portions = drafts.one_of_each_type(searchable([*old, *identities]))
    pairs = [(portion, [old[each] for each in portion if each in old]) for portion in portions]
    return [(portion, changes) for portion, changes in pairs if changes]


def _change(
    request: Submission, portion: Sequence[Identity], changes: Sequence[Correction], *, idsync: IdSync
) -> set[_Came]:
    found = idsync.search(portion)
    if not found:
        there = [_is_there(change, portion, idsync=idsync) for change in changes]
        return {_Came.THERE_ALREADY if each else _Came.NO_PROFILE for each in there}
    mpid, matched = found[0].profile_id, found[0].matched
    # It names what it matched; where it names nothing, it is asked to change what it may not have.
    carried = [change for change in changes if change.type in matched or not matched]
    came = set()
    for change in changes:
        if change not in carried:
            there_already = _is_there(change, portion, idsync=idsync, mpid=mpid)
            came.add(_Came.THERE_ALREADY if there_already else _Came.NOT_CARRIED)
    if not carried:
        return came
    try:
        modified = idsync.modify(mpid, carried, request_id=uuid5(request.request_id, f"correction {mpid}"))
    except Rejected:
        # An attempt whose answer was lost may have done it.
        if not all(_is_there(change, portion, idsync=idsync, mpid=mpid) for change in carried):
            raise
        return came | {_Came.THERE_ALREADY}
    return came | {_Came.CHANGED if modified else _Came.NO_PROFILE}


def _is_there(change: Correction, portion: Sequence[Identity], *, idsync: IdSync, mpid: str = "") -> bool:
    """Whether a profile carries the new value: this one, where it is known. All else that was searched by helps."""
    others = [identity for identity in portion if identity.type != change.type]
    found = idsync.search([Identity(change.type, change.new_value), *others])
    if not found:
        return False
    if not mpid:
        # Nothing was found with the old value in its place, so it is the new one that led there.
        return True
    return found[0].profile_id == mpid and change.type in found[0].matched
