"""IDSync over HTTP: search for a profile, and change its identities. Both need the input key.

Only `search` and `modify`: IDSync's other two calls create the profile they are asked about.
https://docs.mparticle.com/developers/apis/idsync/http/
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone

from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read_object
from integrations import http
from integrations.account import Account
from integrations.errors import IntegrationError, Rejected, UnexpectedAnswer, Unsupported
from integrations.http import Answer, Timeouts
from integrations.mparticle import envelopes
from integrations.mparticle.signing import signed_headers
from integrations.mparticle.vocabulary import ENVIRONMENTS, IDSYNC_IDENTITIES, OUR_IDENTITIES
from integrations.opendsr.client import Credentials
from integrations.opendsr.drafts import is_mpid, one_of_each_type
from integrations.types import Correction, Identity, Match

API: Final = "identity"
NOTHING_TO_SEARCH: Final = Sentence(
    "mParticle cannot be searched by these identifiers. It accepts an e-mail address, a customer ID, a "
    "phone number or most device IDs, but no mParticle ID and no Microsoft ID."
)
_NOT_FOUND = "NOT_FOUND_ERROR"
# Several of these calls can stand before one request, whose lease is short.
_TIMEOUTS = Timeouts(connect=3.0, read=5.0, total=8.0)
# Nobody's customer ID, for trying the key.
_NOBODY = Identity("controller_customer_id", "dsr-portal connection test")


def searchable(identities: Iterable[Identity]) -> tuple[Identity, ...]:
    """Those whose types IDSync has."""
    return tuple(identity for identity in identities if identity.type in IDSYNC_IDENTITIES)


@dataclass(frozen=True, slots=True)
class IdSync:
    """One workspace's profiles, through one of its inputs. `address` ends in the version, without a slash."""

    processor: Account
    credentials: Credentials
    address: str
    signed: bool = False

    def search(self, identities: Sequence[Identity]) -> list[Match]:
        """A match for each profile that these identities lead to; empty where none does. Creates nothing.

        A search holds one value of a type, so a second e-mail address is searched by itself. A miss proves no
        erasure: which identities lead to a profile is the workspace's identity strategy. Raises Unsupported where
        there is nothing to search by.
        """
        portions = one_of_each_type(searchable(identities))
        if not portions:
            raise Unsupported(NOTHING_TO_SEARCH)
        found: dict[str, tuple[str, ...]] = {}
        for portion in portions:
            match = self._search(portion)
            if match.found:
                found[match.profile_id] = tuple(
                    dict.fromkeys([*found.get(match.profile_id, ()), *match.matched])
                )
        return [Match(found=True, profile_id=mpid, matched=matched) for mpid, matched in found.items()]

    def modify(self, mpid: str, changes: Sequence[Correction], *, request_id: UUID) -> bool:
        """Replace values of a profile's identities; False where there is no such profile (any more).

        What it answers is documented as 200 without saying what is in it; nothing of it is needed.
        """
        document = {
            "environment": ENVIRONMENTS[self.processor.environment],
            "identity_changes": [
                {
                    "identity_type": IDSYNC_IDENTITIES[change.type],
                    "old_value": change.old_value,
                    "new_value": change.new_value,
                }
                for change in changes
            ],
            "request_id": str(request_id),
        }
        # The vendor has the profile's id in the path; what is logged is the template.
        answer = self._post(f"/{mpid}/modify", document, template="/{mpid}/modify")
        if self._is_not_found(answer):
            return False
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        if answer.body.strip():
            self._object(answer)
        return True

    def probe(self) -> None:
        """Try the key by a search for nobody."""
        self._search((_NOBODY,))

    def _search(self, portion: Sequence[Identity]) -> Match:
        document = {
            "environment": ENVIRONMENTS[self.processor.environment],
            "known_identities": {IDSYNC_IDENTITIES[each.type]: each.value for each in portion},
        }
        answer = self._post("/search", document, template="/search")
        if self._is_not_found(answer):
            return Match(found=False)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        said = self._object(answer)
        mpid = said.get("mpid")
        if isinstance(mpid, int) and not isinstance(mpid, bool):
            mpid = str(mpid)
        if not isinstance(mpid, str) or not is_mpid(mpid):
            raise self._unexpected(answer, Sentence("contains no profile"))
        return Match(found=True, profile_id=mpid, matched=_matched(said, portion))

    def _post(self, path: str, document: dict[str, Any], *, template: str) -> Answer:
        url = self.address + path
        # Serialised once: the signature is over these very bytes.
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.signed:
            headers |= signed_headers(
                self.credentials, method="POST", path=urlsplit(url).path, body=body, at=timezone.now()
            )
        else:
            headers["Authorization"] = self.credentials.header
        return http.call(
            self.processor,
            "POST",
            url,
            template=template,
            headers=headers,
            body=body,
            timeouts=_TIMEOUTS,
            api=API,
        )

    def _is_not_found(self, answer: Answer) -> bool:
        """Only where it says so itself: a bare 404 is a wrong address or a gateway."""
        return answer.status == 404 and _NOT_FOUND in envelopes.codes(answer.body)

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            return read_object(answer.body)
        except Malformed as error:
            problem = error.problem
        raise self._unexpected(answer, Sentence("cannot be read (%(problem)s)", problem=problem))

    def _refusal(self, answer: Answer) -> IntegrationError:
        status = answer.status
        if status in (401, 403):
            return self.credentials.refused("mParticle", Sentence("profiles (IDSync)"), http_status=status)
        if status in (400, 413, 415, 422):
            said = envelopes.codes_text(envelopes.codes(answer.body))
            return Rejected(
                Sentence(
                    "mParticle's IDSync refused the call as invalid%(codes)s.", codes=said or f" ({status})"
                ),
                http_status=status,
            )
        return self._unexpected(answer, Sentence("has the status %(status)s", status=status))

    def _unexpected(self, answer: Answer, what: Sentence) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            Sentence("The response of mParticle's IDSync %(what)s. Check its address.", what=what),
            http_status=answer.status,
            size=len(answer.body),
        )


def _matched(said: dict[str, Any], portion: Sequence[Identity]) -> tuple[str, ...]:
    """Our names of what it says it matched, of what was asked; a name that has none is passed over."""
    named = said.get("matched_identities")
    if not isinstance(named, dict):
        return ()
    matched = {OUR_IDENTITIES[name] for name in named if name in OUR_IDENTITIES}
    return tuple(identity.type for identity in portion if identity.type in matched)
