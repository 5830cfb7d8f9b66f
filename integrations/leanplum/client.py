"""Leanplum's API: one address, and everything in the body of a POST.

Keys and ids stay out of addresses, and so out of everybody's access logs; that is why even `exportUser`, which is
documented as a GET, is posted (https://docs.leanplum.com/reference/making-requests takes either). Never used: `multi`
(it wants another key than `deleteUser` does), its CSV form (the list of ids would have to be public), `devMode`, and
any call that creates the user it does not find.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dsrportal.sentence import Sentence
from integrations import http
from integrations.account import Account
from integrations.errors import TooLarge, UnexpectedAnswer
from integrations.leanplum import outcomes
from integrations.leanplum.outcomes import Outcome, Word
from integrations.per_person_lock import turn

DEVELOPMENT: Final = "development_key"
PRODUCTION: Final = "production_key"
EXPORT: Final = "export_key"

# https://docs.leanplum.com/reference/api-limits
LONGEST_USER_ID = 400
_API_VERSION = "1.0.6"


@dataclass(frozen=True, slots=True)
class Client:
    """One app. Every call is about one user, and waits until no other call is: Leanplum locks the profile, and answers
    429 to whoever comes meanwhile."""

    processor: Account

    def delete(self, user_id: str) -> Outcome:
        """Erase attributes, sessions and analytics, within 15 days. Without `fullErasure` only attributes would go."""
        return self._call("deleteUser", user_id, key_field=DEVELOPMENT, new=True, fullErasure=True)

    def block(self, user_id: str) -> Outcome:
        """Erase as well, and collect nothing from now on; an empty profile stays, so that it can be unblocked."""
        return self._call("block", user_id, key_field=PRODUCTION, new=True)

    def set_attributes(self, user_id: str, attributes: Mapping[str, object]) -> Outcome:
        """Change attributes of a user who exists: what Leanplum does without being told otherwise creates one."""
        return self._call(
            "setUserAttributes",
            user_id,
            key_field=PRODUCTION,
            new=True,
            userAttributes=dict(attributes),
            createDisposition="CreateNever",
        )

    def export(
        self, user_id: str, *, new: bool = False, limit_bytes: int = http.ANSWER_LIMIT_BYTES
    ) -> Outcome:
        """All that is held of one user but the raw sessions. Raises TooLarge.

        Only a reply that names its user is one: an answer without warning and without user is neither found nor not.
        Raises UnexpectedAnswer for an answer that tells neither that the user is known nor that it is not.
        """
        try:
            outcome = self._call("exportUser", user_id, key_field=EXPORT, new=new, limit_bytes=limit_bytes)
        except UnexpectedAnswer as error:
            if error.http_status != 200 or (error.size or 0) <= limit_bytes:
                raise
            size = error.size
        else:
            if outcome.word == Word.DONE and not isinstance(outcome.reply.get("userId"), str | int):
                raise UnexpectedAnswer(
                    Sentence("The response of Leanplum does not show whether it has the user."),
                    http_status=200,
                )
            return outcome
        raise TooLarge(
            Sentence("Leanplum sent more than %(limit_bytes)s bytes.", limit_bytes=limit_bytes),
            http_status=200,
            size=size,
        )

    def _call(
        self,
        action: str,
        user_id: str,
        *,
        key_field: str,
        new: bool,
        limit_bytes: int = http.ANSWER_LIMIT_BYTES,
        **arguments: object,
    ) -> Outcome:
        body = {
            "action": action,
            "appId": self.processor.account,
            "clientKey": self.processor.credentials.get(key_field, ""),
            "apiVersion": _API_VERSION,
            "userId": user_id,
            **arguments,
        }
        with turn(self.processor, user_id):
            answer = http.call(
                self.processor,
                "POST",
                self.processor.api_address,
                template="/api",
                headers={"Content-Type": "application/json", "Accept": "application/json"},
                body=json.dumps(body, separators=(",", ":")).encode(),
                limit_bytes=limit_bytes,
                new_request=new,
            )
        return outcomes.read(answer, key_field=key_field)
