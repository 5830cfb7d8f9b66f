"""Checks drafts for a Leanplum app: only the one identity that is its user id names anybody there.

mParticle's connection sends the customer ID, the e-mail address or the mpid as user id. Asked by another one, Leanplum
knows nobody, and that would read as “nothing held”.
https://docs.mparticle.com/integrations/leanplum/event/
"""

import re
from collections.abc import Sequence

from dsrportal.sentence import Sentence
from integrations.account import Account
from integrations.leanplum.client import LONGEST_USER_ID
from integrations.types import Draft, Identity, IdentityType, RequestType, Submission

_LINE = re.compile(r"(?P<type>[a-z0-9_]+)\s*=\s*(?P<name>\S(?:.*\S)?)")


def user_id_type(processor: Account) -> str:
    """The type of the identity that is the user id; "" until somebody chose."""
    return processor.option("user_id_type")


def user_ids(processor: Account, identities: Sequence[Identity]) -> list[Identity]:
    wanted = user_id_type(processor)
    return [identity for identity in dict.fromkeys(identities) if identity.type == wanted]


def attributes(processor: Account) -> dict[str, str]:
    """The attributes that hold identities, by identity type, as far as the lines can be read."""
    read = (_LINE.fullmatch(line) for line in _lines(processor))
    return {found["type"]: found["name"] for found in read if found and found["type"] in IdentityType.values}


def unreadable_lines(processor: Account) -> int:
    """How many of the lines say nothing, or say twice what another says."""
    return len(_lines(processor)) - len(attributes(processor))


def no_user_id(processor: Account) -> Sentence:
    wanted = user_id_type(processor)
    if not wanted:
        return Sentence(
            "%(processor)s has no setting for its user ID. Choose the identifier on the processor's page.",
            processor=processor.name,
        )
    return Sentence(
        "%(processor)s identifies users by %(type)s, and this case has none. Add one, or search for the "
        "data subject there manually.",
        processor=processor.name,
        type=IdentityType(wanted).label,
    )


def cannot(processor: Account, draft: Draft) -> Sentence | None:
    if not user_ids(processor, draft.identities):
        return no_user_id(processor)
    if draft.request_type == RequestType.OPT_OUT and not processor.option("opt_out_attribute"):
        return Sentence(
            "%(processor)s has no attribute for opt-outs. Configure one on the processor's page, or "
            "process the opt-out manually.",
            processor=processor.name,
        )
    corrected = {correction.type for correction in draft.corrections}
    if (
        draft.request_type == RequestType.CORRECTION
        and corrected
        and not corrected & set(attributes(processor))
    ):
        return Sentence(
            "%(processor)s has no attribute configured for the values to correct (%(labels)s). "
            "Configure it on the processor's page, or correct them there manually.",
            processor=processor.name,
            labels=_labels(corrected),
        )
    return None


def check(processor: Account, draft: Draft) -> list[Sentence]:
    ids = [identity.value for identity in user_ids(processor, draft.identities)]
    if any(not value.strip() or len(value) > LONGEST_USER_ID for value in ids):
        label = IdentityType(user_id_type(processor)).label
        return [
            Sentence(
                "The identifier “%(label)s” must have a value of at most %(count)s characters.",
                label=label,
                count=LONGEST_USER_ID,
            )
        ]
    return []


def warn(processor: Account, draft: Draft) -> list[Sentence]:
    warnings = _of_corrections(processor, draft) if draft.request_type == RequestType.CORRECTION else []
    ids = user_ids(processor, draft.identities)
    if any(
        identity.type == IdentityType.EMAIL and identity.value != identity.value.lower() for identity in ids
    ):
        warnings.append(
            Sentence(
                "%(processor)s is searched for the e-mail address in the capitalisation that was entered.",
                processor=processor.name,
            )
        )
    return warnings


def _of_corrections(processor: Account, draft: Draft) -> list[Sentence]:
    warnings: list[Sentence] = []
    types = [correction.type for correction in draft.corrections]
    corrected, names = set(types), attributes(processor)
    unnamed = corrected - set(names)
    if unnamed:
        warnings.append(
            Sentence(
                "%(processor)s is not corrected where no attribute is configured (%(labels)s).",
                processor=processor.name,
                labels=_labels(unnamed),
            )
        )
    if user_id_type(processor) in corrected:
        warnings.append(
            Sentence(
                "%(processor)s identifies the data subject by the value to correct. Its user ID stays "
                "unchanged. Only the attribute changes.",
                processor=processor.name,
            )
        )
    if any(types.count(each) > 1 for each in corrected & set(names) - {user_id_type(processor)}):
        warnings.append(
            Sentence(
                "%(processor)s has one attribute per type and receives the last of the new values.",
                processor=processor.name,
            )
        )
    if len(split(processor, draft)) > 1:
        warnings.append(
            Sentence(
                "%(processor)s may have several matching users. Each of them receives the new value.",
                processor=processor.name,
            )
        )
    return warnings


def split(processor: Account, draft: Draft) -> list[tuple[Identity, ...]]:
    """One request a user id, and nothing else; but a correction brings along what it corrects.

    What is wrong with one user id concerns that user alone.
    """
    ids = user_ids(processor, draft.identities)
    if draft.request_type != RequestType.CORRECTION:
        return [(user_id,) for user_id in ids]
    names = attributes(processor)
    wrong = {Identity(each.type, each.old_value) for each in draft.corrections if each.type in names}
    along = [each for each in dict.fromkeys(draft.identities) if each in wrong and each not in ids]
    return [(user_id, *along) for user_id in ids if along or user_id in wrong]


def corrected_attributes(processor: Account, request: Submission) -> dict[str, object]:
    """What the attributes shall be, for those corrections that have one."""
    names = attributes(processor)
    return {names[each.type]: each.new_value for each in request.corrections if each.type in names}


def opt_out_attributes(processor: Account) -> dict[str, object]:
    name = processor.option("opt_out_attribute")
    return {name: True} if name else {}


def _lines(processor: Account) -> list[str]:
    return [line for line in map(str.strip, processor.option("attributes").splitlines()) if line]


def _labels(types: set[str]) -> tuple[Sentence, ...]:
    return tuple(Sentence(IdentityType(each).label) for each in sorted(types) if each in IdentityType.values)
