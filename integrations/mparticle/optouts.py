"""Opt-outs: what can be sent as one, and the sending. mParticle has no request for it; it is a consent on the profile.

https://docs.mparticle.com/guides/data-privacy-controls/
"""

from collections.abc import Sequence

from dsrportal.sentence import Sentence
from integrations.mparticle.events import Events, consent_batch
from integrations.mparticle.idsync import IdSync, searchable
from integrations.opendsr import drafts
from integrations.types import (
    Draft,
    Identity,
    IdentityType,
    Regulation,
    Report,
    ReportedAnswer,
    ReportedStatus,
    Submission,
)

NOTHING_FOUND = Sentence("No profile found. Nothing was sent.")
QUEUED = Sentence("mParticle has queued it. A later access request shows it.")
FORWARDING = Sentence(
    "mParticle stops forwarding to partners only where its forwarding rules check this consent."
)


def check(draft: Draft, *, purposes: Sequence[str]) -> list[Sentence]:
    """Sentences on what no opt-out can be; `purposes` are those of the workspace, none where they were not listed."""
    sentences = drafts.check_identities(draft.identities)
    if not mpids(draft.identities) and not searchable(draft.identities):
        sentences.append(
            Sentence(
                "For an opt-out, mParticle must find the profile. Enter an e-mail address, a customer "
                "ID, a phone number, a device ID or the mParticle ID."
            )
        )
    if draft.skip_waiting_period:
        sentences.append(Sentence("Only an erasure has a waiting period that can be skipped."))
    if draft.regulation == Regulation.GDPR:
        sentences += _of_purposes(draft.purposes, purposes)
    elif draft.regulation != Regulation.CCPA:
        sentences.append(Sentence("mParticle records opt-outs under the GDPR and the CCPA only."))
    return sentences


def _of_purposes(given: Sequence[str], known: Sequence[str]) -> list[Sentence]:
    if not any(each.strip() for each in given):
        return [Sentence("An opt-out under the GDPR needs the purposes for which consent is withdrawn.")]
    missing = [each for each in given if each not in known] if known else []
    return [
        Sentence(
            "The purpose “%(purpose)s” is not one of those in this workspace: %(purposes)s.",
            purpose=each[:60],
            purposes=", ".join(known)[:150],
        )
        for each in missing
    ]


def mpids(identities: Sequence[Identity]) -> list[str]:
    return [identity.value for identity in identities if identity.type == IdentityType.MPID]


def profiles(identities: Sequence[Identity], *, idsync: IdSync) -> list[str]:
    """The mpids that were given, and those that the other identities lead to."""
    found = mpids(identities)
    if searchable(identities):
        found += [match.profile_id for match in idsync.search(identities)]
    return list(dict.fromkeys(found))


def carry_out(request: Submission, *, idsync: IdSync, events: Events, document: str) -> Report:
    """One batch for each profile; none for nobody, because that would create a profile.

    Repeated, it finds the same profiles and sends batches of the same ids, which mParticle drops.
    """
    found = profiles(request.identities, idsync=idsync)
    for mpid in found:
        events.send(
            consent_batch(request, mpid=mpid, environment=events.processor.environment, document=document)
        )
    return Report(
        request_id=request.request_id,
        status=ReportedStatus.COMPLETED,
        raw_status="",
        answer=ReportedAnswer.ACCEPTED if found else ReportedAnswer.NO_DATA_HELD,
        remark=QUEUED if found else NOTHING_FOUND,
    )
