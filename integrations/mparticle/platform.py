"""The Platform API: the account, and the workspaces in it, to choose from.

https://docs.mparticle.com/developers/apis/platform/
"""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read
from integrations import http
from integrations.account import Account
from integrations.errors import IntegrationError, Rejected, Unauthorized, UnexpectedAnswer
from integrations.http import Answer
from integrations.mparticle import envelopes, tokens
from integrations.opendsr.client import Credentials
from integrations.types import Workspace

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Platform:
    """One account. It cannot be learnt from the credentials: each call names it."""

    processor: Account
    credentials: Credentials
    address: str
    sso: str
    account: str

    def account_name(self) -> str:
        """The name of the account, "" where it has none. Raises Rejected for an account that this key does not show."""
        found = {each.id: each.name for each in self._list("/accounts")}
        if self.account not in found:
            raise Rejected(
                Sentence("mParticle's Platform API has no account with this ID. Check the account ID.")
            )
        return found[self.account]

    def workspaces(self) -> list[Workspace]:
        """By name. The path is in the singular, as documented."""
        return sorted(self._list("/workspace"), key=lambda each: (each.name.casefold(), each.id))

    def _list(self, path: str) -> list[Workspace]:
        token = tokens.token(self.processor, self.credentials, sso=self.sso)
        answer = self._get(path, token)
        if answer.status == 401:
            token = tokens.token(self.processor, self.credentials, sso=self.sso, but=token)
            answer = self._get(path, token)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        return self._items(answer)

    def _get(self, path: str, token: str) -> Answer:
        return http.call(
            self.processor,
            "GET",
            f"{self.address}{path}?accountId={quote(self.account, safe='')}",
            template=f"{path}?accountId={{account}}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            api=tokens.API,
        )

    def _items(self, answer: Answer) -> list[Workspace]:
        """Of `{"data", "errors"}`, whose errors count on a 2xx too, or of a list by itself."""
        try:
            document = read(answer.body)
        except Malformed as error:
            problem = error.problem
        else:
            if isinstance(document, dict) and document.get("errors"):
                raise self._rejected(answer)
            data = document.get("data") if isinstance(document, dict) else document
            if isinstance(data, list):
                return [found for each in data if (found := _item(each))]
            problem = "not_a_list"
        raise self._unexpected(answer, Sentence("cannot be read (%(problem)s)", problem=problem))

    def _refusal(self, answer: Answer) -> IntegrationError:
        status = answer.status
        if status in (401, 403):
            # A missing or foreign account ID gets the same answer as a wrong token.
            return Unauthorized(
                Sentence(
                    "mParticle's Platform API refused access. Check the account ID, the OAuth client "
                    "and its secret."
                ),
                key_field=self.credentials.key_field,
                http_status=status,
            )
        if status == 404:
            return Rejected(
                Sentence(
                    "mParticle's Platform API does not show this account to this OAuth client. Check "
                    "the account ID."
                ),
                http_status=status,
            )
        if status in (400, 422):
            return self._rejected(answer)
        return self._unexpected(answer, Sentence("has the status %(status)s", status=status))

    def _rejected(self, answer: Answer) -> Rejected:
        said = envelopes.codes_text(envelopes.codes(answer.body))
        return Rejected(
            Sentence("mParticle's Platform API refused the call%(codes)s.", codes=said),
            http_status=answer.status,
        )

    def _unexpected(self, answer: Answer, what: Sentence) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            Sentence("The response of mParticle's Platform API %(what)s. Check its address.", what=what),
            http_status=answer.status,
            size=len(answer.body),
        )


def _item(item: Any) -> Workspace | None:
    """Ids are texts in some lists and numbers in others. What has none cannot be chosen."""
    if isinstance(item, dict):
        identifier, name = item.get("id"), item.get("name")
        if isinstance(identifier, str | int) and not isinstance(identifier, bool) and str(identifier):
            return Workspace(id=str(identifier)[:100], name=name[:200] if isinstance(name, str) else "")
    logger.warning("An item of the Platform API's list cannot be read.")
    return None
