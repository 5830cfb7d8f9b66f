"""Errors at a processor, named for the fact. Whether to retry is on the class.

Messages are sentences for people and hold no identity, no secret and no body of an answer.
"""

from typing import ClassVar

from dsrportal.sentence import Sentence


class IntegrationError(Exception):
    """Base of all. `retryable`: the same call may work later. `outcome_known`: the call changed nothing."""

    retryable: ClassVar[bool] = False
    outcome_known: ClassVar[bool] = True
    code: ClassVar[str] = "error"

    def __init__(
        self, sentence: Sentence, *, http_status: int | None = None, size: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.http_status = http_status
        self.size = size


class RateLimited(IntegrationError):
    """The processor, or our own budget for it, says not now. `retry_after_seconds` is None if unsaid."""

    retryable = True
    code = "rate_limited"

    def __init__(
        self,
        sentence: Sentence,
        *,
        retry_after_seconds: float | None = None,
        scope: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(sentence, http_status=http_status)
        self.retry_after_seconds = retry_after_seconds
        self.scope = scope


class NotSent(IntegrationError):
    """Nothing left this machine: no connection, or no budget store to ask."""

    retryable = True
    code = "not_sent"


class BudgetForgotten(NotSent):
    """The queue store was emptied and with it the count of new requests; `budget.rebuild` brings it back."""

    code = "budget_forgotten"


class Unreachable(IntegrationError):
    """Time-out or broken connection after sending began: whether it was processed is unknown."""

    retryable = True
    outcome_known = False
    code = "unreachable"


class UnexpectedAnswer(IntegrationError):
    """5xx, or an answer that cannot be read (empty, HTML, truncated, not the protocol): outcome unknown.

    `http_status` and `size` (bytes) are kept; the body is not.
    """

    retryable = True
    outcome_known = False
    code = "unexpected_answer"


class Unauthorized(IntegrationError):
    """The credentials were refused. `key_field` names the field of the processor to look at."""

    code = "unauthorized"

    def __init__(self, sentence: Sentence, *, key_field: str, http_status: int | None = None) -> None:
        super().__init__(sentence, http_status=http_status)
        self.key_field = key_field


class Rejected(IntegrationError):
    """The processor understood and said no; the same request will be refused again."""

    code = "rejected"


class AlreadyExists(Rejected):
    """The request id is already known there: success after a lost reply, if the id is ours."""

    code = "already_exists"


class Conflict(Rejected):
    """Another request with the same identities and type is in progress. Waits, or names it if known."""

    retryable = True
    code = "conflict"


class UnknownRequest(Rejected):
    """The processor does not know this request id."""

    code = "unknown_request"


class TooLate(Rejected):
    """A cancel that came when the request was no longer pending."""

    code = "too_late"


class NothingFound(IntegrationError):
    """The result exists to say that no record matches the identities (404 on a results download)."""

    code = "nothing_found"


class Expired(IntegrationError):
    """The result was there and is gone (410 on a results download)."""

    code = "expired"


class TooLarge(IntegrationError):
    """The answer is larger than we accept."""

    code = "too_large"


class Unsupported(IntegrationError):
    """This kind of processor has no such call."""

    code = "unsupported"


class NotVerified(IntegrationError):
    """A callback not proven to come from the vendor: answered 401. `reason` is one word for counting."""

    code = "not_verified"

    def __init__(self, reason: str, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.reason = reason


class CertificateUnavailable(IntegrationError):
    """The certificate to verify with could not be fetched: answered 503, so that the vendor may try again."""

    retryable = True
    code = "certificate_unavailable"
