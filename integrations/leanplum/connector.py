"""Leanplum (by CleverTap): one app per processor, reached directly, since mParticle forwards no requests to it.

What is asked for is a call and nothing more: it has no id there, no list and no callback. So each is safe to repeat,
and whether an erasure is done is seen by asking for the user again.
https://docs.leanplum.com/reference/gdpr-overview
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO, ClassVar

from django.utils import timezone

from dsrportal.sentence import NOTHING, Sentence
from integrations import limits
from integrations.connector import REQUESTS, Capability, Connector
from integrations.errors import NothingFound, Rejected, UnknownRequest, Unsupported
from integrations.leanplum import checks, drafts, fields, packages
from integrations.leanplum.client import Client
from integrations.leanplum.outcomes import Outcome, Word
from integrations.types import (
    Budget,
    ConnectionCheck,
    Draft,
    Identity,
    IdentityType,
    Inquiry,
    Limit,
    Match,
    Option,
    PackageSummary,
    Report,
    ReportedAnswer,
    ReportedStatus,
    RequestType,
    ResultStream,
    Secret,
    Submission,
)

# https://docs.leanplum.com/reference/post_api-action-deleteuser: what goes beyond attributes “may take up to 15 days”.
LONGEST_ERASURE = timedelta(days=15)
LONGEST_OTHERWISE = timedelta(hours=1)
# No number is published, only that calls about one user must not overlap: ten a second is our own choice.
LIMITS = Budget(calls=Limit(600, 60))
# An export is held in memory to be read; it has sums of events, not the events themselves.
EXPORT_LIMIT_BYTES = 32 * 1024 * 1024

_BLOCKED_NOW = Sentence(
    "The data subject is blocked there. Nothing more is collected, and existing data is erased within "
    "15 days. No further confirmation is sent."
)
_BLOCKED_BEFORE = Sentence(
    "The data subject was already blocked there, which erases the data and stops collection. No further "
    "confirmation is sent."
)

_GONE_BEFORE = Sentence(
    "An earlier attempt got no response, and Leanplum has no such user now. Either that attempt erased "
    "the user, or there was none."
)


class Leanplum(Connector):
    kind: ClassVar[str] = "leanplum"
    label: ClassVar[Sentence] = Sentence("Leanplum app")
    description: ClassVar[Sentence] = Sentence(
        "One Leanplum app, contacted directly, because mParticle does not forward data subject requests "
        "to it."
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ACCESS,
            Capability.PORTABILITY,
            Capability.ERASURE,
            Capability.CORRECTION,
            Capability.OPT_OUT,
            Capability.REPORTS,
            Capability.RESULTS,
            Capability.SEARCH,
        }
    )
    account_label: ClassVar[Sentence] = Sentence("App ID")
    account_help: ClassVar[Sentence] = Sentence(
        "From App Settings, Keys & Settings in Leanplum. The development app is a separate app."
    )
    default_base_url: ClassVar[str] = "https://api.leanplum.com/api"
    secrets: ClassVar[tuple[Secret, ...]] = fields.SECRETS
    options: ClassVar[tuple[Option, ...]] = fields.OPTIONS
    # Lookups are billed per user, and an erasure takes days: once a day at the usual hourly interval.
    # https://docs.leanplum.com/reference/billing
    report_pace: ClassVar[int] = 24

    # --- before a request is one

    def cannot(self, draft: Draft) -> Sentence | None:
        return drafts.cannot(self.processor, draft)

    def check(self, draft: Draft) -> list[Sentence]:
        return drafts.check(self.processor, draft)

    def warn(self, draft: Draft) -> list[Sentence]:
        return drafts.warn(self.processor, draft)

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        return drafts.split(self.processor, draft)

    def search(self, identities: Sequence[Identity]) -> Match:
        """By the user id alone. Raises Unsupported without one: not to be asked is not to be found missing.

        What an erasure by blocking leaves behind does not count as found.
        """
        ids = drafts.user_ids(self.processor, identities)
        if not ids:
            raise Unsupported(drafts.no_user_id(self.processor))
        for identity in ids:
            outcome = self._client().export(identity.value)
            self._refuse_blocked(outcome)
            if outcome.word == Word.DONE and not (self._blocks and packages.is_left_empty(outcome.reply)):
                return Match(found=True, matched=(identity.type,))
        return Match(found=False)

    # --- the request

    def submit(self, request: Submission) -> Report:
        """Make the call. A correction and an opt-out are done with its answer: an attribute is set when Leanplum says
        success, without warning and without error.

        Raises Rejected where the app has no attribute for it.
        """
        user_id = self._user_id(request.identities)
        if request.request_type == RequestType.ERASURE:
            return self._erase(request, user_id)
        if request.request_type in (RequestType.ACCESS, RequestType.PORTABILITY):
            outcome = self._client().export(user_id, new=True)
            return self._exported(request, outcome)
        if request.request_type == RequestType.CORRECTION:
            wanted = drafts.corrected_attributes(self.processor, request)
        else:
            wanted = drafts.opt_out_attributes(self.processor)
        if not wanted:
            raise Rejected(
                Sentence(
                    "%(processor)s has no attribute configured for this. Nothing was sent.",
                    processor=self.processor.name,
                )
            )
        return self._changed(request, self._client().set_attributes(user_id, wanted))

    def repeats_safely(self, request_type: str) -> bool:
        """All of them, since none creates a user."""
        return True

    def report(self, inquiry: Inquiry) -> Report:
        """Look whether the user is still there: Leanplum has no word for a request. Raises UnknownRequest for what that
        says nothing about."""
        if inquiry.request_type in (RequestType.CORRECTION, RequestType.OPT_OUT):
            raise UnknownRequest(Sentence("Leanplum keeps no record of requests."))
        outcome = self._client().export(self._user_id(inquiry.open_identities()))
        if inquiry.request_type != RequestType.ERASURE:
            return self._exported(inquiry, outcome)
        if outcome.word == Word.BLOCKED:
            return _completed(inquiry, outcome, ReportedAnswer.ACCEPTED, _BLOCKED_BEFORE)
        if outcome.word == Word.NOT_FOUND:
            return _completed(inquiry, outcome, ReportedAnswer.DONE)
        if self._blocks and packages.is_left_empty(outcome.reply):
            remark = Sentence("No attributes and no events are left there. The user ID stays blocked.")
            return _completed(inquiry, outcome, ReportedAnswer.DONE, remark)
        return Report(inquiry.request_id, ReportedStatus.IN_PROGRESS, "user found")

    def _erase(self, request: Submission, user_id: str) -> Report:
        policy = self.processor.option("erasure_policy")
        outcome = self._client().block(user_id) if self._blocks else self._client().delete(user_id)
        if outcome.word == Word.NOT_FOUND and request.repeated:
            return _completed(request, outcome, ReportedAnswer.DONE, _GONE_BEFORE)
        if outcome.word == Word.NOT_FOUND:
            return self._unknown(request, outcome)
        # That it is blocked says that its erasure was begun; whether anything is left is seen by asking.
        if outcome.word == Word.BLOCKED and policy != fields.BLOCK_THEN_VERIFY:
            return _completed(request, outcome, ReportedAnswer.ACCEPTED, _BLOCKED_BEFORE)
        if policy == fields.BLOCK:
            return _completed(request, outcome, ReportedAnswer.ACCEPTED, _BLOCKED_NOW)
        return Report(
            request.request_id,
            ReportedStatus.IN_PROGRESS,
            outcome.word,
            expected_completion_at=timezone.now() + LONGEST_ERASURE,
            expected_completion_raw="up to 15 days",
        )

    def _exported(self, request: Submission | Inquiry, outcome: Outcome) -> Report:
        """Found: the result is to be fetched, from where it was found."""
        self._refuse_blocked(outcome)
        if outcome.word == Word.NOT_FOUND:
            return self._unknown(request, outcome)
        return Report(
            request.request_id,
            ReportedStatus.COMPLETED,
            "user found",
            results_url=self.processor.api_address,
        )

    def _unknown(self, request: Submission | Inquiry, outcome: Outcome) -> Report:
        """By this id: whether the person has another one there nobody can say, so the words claim no more."""
        label = IdentityType(drafts.user_id_type(self.processor)).label
        return _completed(
            request,
            outcome,
            ReportedAnswer.NO_DATA_HELD,
            Sentence("Leanplum has no user with the requested %(label)s.", label=label),
        )

    def _changed(self, request: Submission, outcome: Outcome) -> Report:
        if outcome.word == Word.NOT_FOUND:
            return self._unknown(request, outcome)
        if outcome.word == Word.DONE:
            return _completed(request, outcome, ReportedAnswer.DONE)
        if request.request_type == RequestType.OPT_OUT:
            return _completed(request, outcome, ReportedAnswer.ACCEPTED, _BLOCKED_BEFORE)
        remark = Sentence(
            "The data subject is blocked there. The data was erased, and nothing can be changed."
        )
        return _completed(request, outcome, ReportedAnswer.NOT_APPLICABLE, remark)

    # --- results

    @contextmanager
    def fetch_result(self, inquiry: Inquiry, url: str, *, limit_bytes: int) -> Iterator[ResultStream]:
        """Export the user anew: the address is Leanplum's own and the same for everybody, so `url` is not looked at.

        Raises NothingFound where Leanplum knows no such user.
        """
        limit_bytes = min(limit_bytes, EXPORT_LIMIT_BYTES)
        outcome = self._client().export(self._user_id(inquiry.open_identities()), limit_bytes=limit_bytes)
        self._refuse_blocked(outcome)
        if outcome.word == Word.NOT_FOUND:
            raise NothingFound(Sentence("Leanplum has no such user."), http_status=200)
        yield ResultStream(content_type=packages.CONTENT_TYPE, chunks=packages.chunks(outcome.reply))

    def summarise(self, package: BinaryIO, *, submitted: Sequence[Identity]) -> PackageSummary:
        return packages.summarise(
            package,
            submitted=submitted,
            user_id_type=drafts.user_id_type(self.processor),
            names=drafts.attributes(self.processor),
        )

    def redact(
        self, package: BinaryIO, *, members: frozenset[str], fields: frozenset[str]
    ) -> Iterator[bytes]:
        """It is one document, so there are no members."""
        return packages.redact(package, fields=fields)

    # --- the account

    def test_connection(self) -> list[ConnectionCheck]:
        return checks.all_of(self.processor)

    def budget(self, api: str = REQUESTS) -> Budget:
        return limits.read(self.processor.limits, otherwise=LIMITS)

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        """Nothing waits at Leanplum before an erasure begins, so nothing can be skipped."""
        return LONGEST_ERASURE if request_type == RequestType.ERASURE else LONGEST_OTHERWISE

    @property
    def _blocks(self) -> bool:
        return self.processor.option("erasure_policy") != fields.DELETE

    def _client(self) -> Client:
        return Client(self.processor)

    def _user_id(self, identities: Sequence[Identity]) -> str:
        """Raises Rejected where none of them is the user id."""
        found = drafts.user_ids(self.processor, identities)
        if not found:
            raise Rejected(drafts.no_user_id(self.processor))
        return found[0].value

    def _refuse_blocked(self, outcome: Outcome) -> None:
        """Whether a blocked user can be exported is not documented: where not, nobody can say what is held."""
        if outcome.word == Word.BLOCKED:
            raise Rejected(
                Sentence(
                    "Leanplum reports that this person is blocked, but not what it still holds. Look "
                    "them up there."
                ),
                http_status=451,
            )


def _completed(
    request: Submission | Inquiry, outcome: Outcome, answer: ReportedAnswer, remark: Sentence = NOTHING
) -> Report:
    return Report(request.request_id, ReportedStatus.COMPLETED, outcome.word, answer=answer, remark=remark)
