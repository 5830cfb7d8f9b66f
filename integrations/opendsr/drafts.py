"""Checks and splits drafts of OpenDSR requests."""

import re
from collections.abc import Iterable

from dsrportal.sentence import Sentence
from integrations.opendsr.vocabulary import (
    ALONE,
    EXTENSION_IDENTITIES,
    GROUP_LIMIT,
    IDENTITY_LIMIT,
    REGULATIONS,
    REQUEST_TYPES,
    STANDARD_IDENTITIES,
)
from integrations.types import Draft, Identity, IdentityType, RequestType

# mpid is a signed 64-bit integer and may be negative.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_MPID_RANGE = range(-(2**63), 2**63)


def check(draft: Draft, *, grouped: bool = True) -> list[Sentence]:
    """Sentences on what no request can hold, each naming its rule and no identity; empty: all is well.

    `grouped`: the requests of a case go into one group, which holds so many and no more.
    """
    sentences = _of_the_whole(draft)
    sentences += [each for each in check_identities(draft.identities) if each not in sentences]
    if grouped and len(split(draft)) > GROUP_LIMIT:
        sentences.append(
            Sentence(
                "These identifiers need %(count)s requests. A case can have %(group_limit)s, the most "
                "that a group can hold.",
                count=len(split(draft)),
                group_limit=GROUP_LIMIT,
            )
        )
    return sentences


def split(draft: Draft) -> list[tuple[Identity, ...]]:
    """One tuple of identities for each request, in the order given.

    A request is an object keyed by type, so it holds one value of a type: the second e-mail address goes
    into a second request. mpid must be the only identity of its request. The same identity given twice
    is asked for once.
    """
    return one_of_each_type(draft.identities)


def one_of_each_type(identities: Iterable[Identity]) -> list[tuple[Identity, ...]]:
    """Identities in portions with at most one value of a type, and mpid alone."""
    requests: list[list[Identity]] = []
    for identity in dict.fromkeys(identities):
        home = None if identity.type == ALONE else next((r for r in requests if _has_room(r, identity)), None)
        if home is None:
            requests.append([identity])
        else:
            home.append(identity)
    return [tuple(request) for request in requests]


def check_identities(identities: Iterable[Identity]) -> list[Sentence]:
    """Sentences on types that are unknown and values that cannot be, each said once."""
    return list(dict.fromkeys(filter(None, map(_of_one, identities))))


def is_mpid(value: str) -> bool:
    """Whether it is a signed 64-bit integer, written in digits."""
    return bool(_INTEGER.fullmatch(value)) and int(value) in _MPID_RANGE


def _has_room(request: list[Identity], identity: Identity) -> bool:
    types = {held.type for held in request}
    return ALONE not in types and identity.type not in types and len(request) < IDENTITY_LIMIT


def _of_the_whole(draft: Draft) -> list[Sentence]:
    sentences: list[Sentence] = []
    if draft.request_type not in REQUEST_TYPES:
        known = draft.request_type in RequestType.values
        what = RequestType(draft.request_type).label if known else Sentence("This type")
        sentences.append(
            Sentence(
                "%(what)s is not an OpenDSR request type. OpenDSR supports access, portability and erasure.",
                what=what,
            )
        )
    if draft.regulation not in REGULATIONS:
        sentences.append(Sentence("OpenDSR requests are possible under the GDPR or the CCPA only."))
    if draft.skip_waiting_period and draft.request_type != RequestType.ERASURE:
        sentences.append(Sentence("Only an erasure has a waiting period that can be skipped."))
    if not draft.identities:
        sentences.append(Sentence("A request needs at least one identifier."))
    return sentences


def _of_one(identity: Identity) -> Sentence | None:
    if identity.type not in STANDARD_IDENTITIES and identity.type not in EXTENSION_IDENTITIES:
        return Sentence(
            "An identifier has a type that is not among the %(count)s types that a request can contain.",
            count=len(IdentityType),
        )
    label = IdentityType(identity.type).label
    if not identity.value.strip():
        return Sentence("The identifier “%(label)s” has no value.", label=label)
    if identity.type == IdentityType.MPID and not is_mpid(identity.value):
        return Sentence("The %(label)s must be a signed 64-bit integer, written in digits only.", label=label)
    return None
