"""The Events API: one batch that changes what mParticle knows of a profile. It needs the input key.

A batch that names identities nobody has creates a profile of them; so ours name a profile that was found, by its mpid.
https://docs.mparticle.com/developers/apis/http/
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from dsrportal.sentence import Sentence
from integrations import http
from integrations.account import Account
from integrations.errors import IntegrationError, Rejected, UnexpectedAnswer
from integrations.http import Answer, Timeouts
from integrations.mparticle import envelopes
from integrations.mparticle.vocabulary import ENVIRONMENTS
from integrations.opendsr.client import Credentials
from integrations.types import Regulation, Submission

API: Final = "events"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMEOUTS = Timeouts(connect=3.0, read=5.0, total=8.0)

Batch = dict[str, Any]


def consent_batch(request: Submission, *, mpid: str, environment: str, document: str) -> Batch:
    """A person's opt-out, of the moment they asked for it.

    The two laws say it the other way round: under the CCPA `consented` true means opted out, under the GDPR false
    means that a consent is taken back. https://docs.mparticle.com/guides/data-privacy-controls/
    Raises Rejected for an opt-out that neither law has.
    """
    consent: Batch = {"timestamp_unixtime_ms": (request.submitted_at - _EPOCH) // timedelta(milliseconds=1)}
    if document:
        consent["document"] = document
    state: Batch
    if request.regulation == Regulation.CCPA:
        state = {"ccpa": {"data_sale_opt_out": {"consented": True, **consent}}}
    elif request.regulation == Regulation.GDPR and request.purposes:
        state = {"gdpr": {purpose: {"consented": False, **consent} for purpose in request.purposes}}
    else:
        raise Rejected(
            Sentence(
                "An opt-out must be made under the CCPA, or withdraw the consent for named purposes "
                "under the GDPR."
            )
        )
    return {
        **_about(mpid, environment),
        "source_request_id": _once(request.request_id, "opt-out", mpid),
        "consent_state": state,
    }


def exclusion_batch(request_id: UUID, *, mpid: str, environment: str, attribute: str) -> Batch:
    """The user attribute that the customer's filters keep a person out by while the erasure waits."""
    return {
        **_about(mpid, environment),
        "source_request_id": _once(request_id, "exclusion", mpid),
        "user_attributes": {attribute: True},
    }


def _about(mpid: str, environment: str) -> Batch:
    # A whole number here, a text in IDSync.
    return {"environment": ENVIRONMENTS[environment], "mpid": int(mpid)}


def _once(request_id: UUID, what: str, mpid: str) -> str:
    """The same for each retry: mParticle drops what it has seen within 30 days under one key."""
    return str(uuid5(request_id, f"{what} {mpid}"))


@dataclass(frozen=True, slots=True)
class Events:
    """One workspace's events, through one of its inputs. `address` ends in the version, without a slash."""

    processor: Account
    credentials: Credentials
    address: str

    def send(self, batch: Batch) -> None:
        """Hand in one batch. That it returns means queued, no more: the answer is a 202, usually without a body."""
        answer = self._post(batch)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)

    def probe(self) -> None:
        """Try the key with a batch about nobody: whatever is said of the batch, the key was looked at first."""
        answer = self._post({"environment": "development"})
        if not 200 <= answer.status < 300 and answer.status != 400:
            raise self._refusal(answer)

    def _post(self, batch: Batch) -> Answer:
        return http.call(
            self.processor,
            "POST",
            f"{self.address}/events",
            template="/events",
            headers={"Authorization": self.credentials.header, "Content-Type": "application/json"},
            body=json.dumps(batch, separators=(",", ":")).encode(),
            timeouts=_TIMEOUTS,
            api=API,
        )

    def _refusal(self, answer: Answer) -> IntegrationError:
        status = answer.status
        # 401 without credentials, 403 with wrong ones.
        if status in (401, 403):
            return self.credentials.refused("mParticle", Sentence("events"), http_status=status)
        if status in (400, 413, 415, 422):
            said = envelopes.codes_text(envelopes.codes(answer.body))
            return Rejected(
                Sentence(
                    "mParticle's Events API refused the batch as invalid%(codes)s.",
                    codes=said or f" ({status})",
                ),
                http_status=status,
            )
        return UnexpectedAnswer(
            Sentence(
                "The response of mParticle's Events API has the status %(status)s. Check its address.",
                status=status,
            ),
            http_status=status,
            size=len(answer.body),
        )
