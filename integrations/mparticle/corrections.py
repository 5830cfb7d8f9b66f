"""Corrections of identities: IDSync replaces a profile's old value by the new one."""

from collections.abc import Sequence
from enum import Enum, auto
from uuid import uuid5

from integrations.errors import Rejected
from integrations.mparticle.idsync import IdSync, searchable
from integrations.mparticle.vocabulary import IDSYNC_IDENTITIES
from integrations.opendsr import drafts
from integrations.types import (
    Correction,
    Draft,
    Identity,
    IdentityType,
    OutgoingRequest,
    Report,
    ReportedAnswer,
    ReportedStatus,
)

NOTHING_FOUND = "No profile found by the old values or the new ones; nothing was changed."
DONE_ALREADY = "The new values were there already."
DONE_IN_PART = "Some of the old values lead to no profile; the others were replaced."


class _Came(Enum):
    """What came of the changes to one profile."""

    CHANGED = auto()
    THERE_ALREADY = auto()
    MISSING = auto()


def check(draft: Draft) -> list[str]:
    """Sentences on what no correction can change."""
    sentences = drafts.check_identities(draft.identities)
    if draft.skip_waiting_period:
        sentences.append("Only an erasure has a waiting period that can be skipped.")
    if not draft.corrections:
        sentences.append("A correction names at least one identity, and what it shall be.")
    for change in draft.corrections:
        label = (
            IdentityType(change.type).label if change.type in IdentityType.values else "of an unknown type"
        )
        if change.type not in IDSYNC_IDENTITIES:
            sentences.append(f"mParticle cannot change the identity “{label}”.")
        elif not change.new_value.strip():
            sentences.append(f"The identity “{label}” has no new value.")
        elif change.new_value == change.old_value:
            sentences.append(f"The identity “{label}” has the same value before and after.")
    return list(dict.fromkeys(sentences))


def carry_out(request: OutgoingRequest, *, idsync: IdSync) -> Report:
    """Change each value on the profile it leads to. Repeated after it was done, it finds the new values there."""
    came = [
        _change(request, portion, changes, idsync=idsync)
        for portion, changes in _portions(request.identities, request.corrections)
    ]
    missing = came.count(_Came.MISSING)
    if missing == len(came):
        answer, remark = ReportedAnswer.NO_DATA_HELD, NOTHING_FOUND
    elif missing:
        answer, remark = ReportedAnswer.DONE, DONE_IN_PART
    else:
        answer, remark = ReportedAnswer.DONE, "" if _Came.CHANGED in came else DONE_ALREADY
    return Report(
        request_id=request.request_id,
        status=ReportedStatus.COMPLETED,
        raw_status="",
        answer=answer,
        remark=remark,
    )


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
    request: OutgoingRequest, portion: Sequence[Identity], changes: Sequence[Correction], *, idsync: IdSync
) -> _Came:
    found = idsync.search(portion)
    if not found:
        return _Came.THERE_ALREADY if _is_done(changes, idsync=idsync) else _Came.MISSING
    mpid = found[0].profile_id
    try:
        modified = idsync.modify(mpid, changes, request_id=uuid5(request.request_id, f"correction {mpid}"))
    except Rejected:
        # Another identity led to the profile, and the old value is gone from it: by an attempt whose answer was lost.
        if _is_done(changes, idsync=idsync, mpid=mpid):
            return _Came.THERE_ALREADY
        raise
    return _Came.CHANGED if modified else _Came.MISSING


def _is_done(changes: Sequence[Correction], *, idsync: IdSync, mpid: str = "") -> bool:
    """Whether every new value leads to a profile: to this one, where it is known."""
    for change in changes:
        found = idsync.search([Identity(change.type, change.new_value)])
        if not found or (mpid and found[0].profile_id != mpid):
            return False
    return True
