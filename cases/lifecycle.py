"""The life of a case and of a processor request: words, allowed moves, and what follows from what.

Pure tables and functions: no database, no clock. A lawyer should be able to read them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from dsrportal.sentence import Sentence


class CaseStatus(TextChoices):
    """Whose turn it is."""

    INTAKE = "intake", gettext_lazy("Intake")
    VERIFYING = "verifying", gettext_lazy("Verifying")
    READY = "ready", gettext_lazy("Ready for approval")
    WORKING = "working", gettext_lazy("In progress")
    ATTENTION = "attention", gettext_lazy("Attention")
    REVIEW = "review", gettext_lazy("Review")
    CLOSED = "closed", gettext_lazy("Closed")


# Who acts next.
WHOSE_TURN: dict[str, Sentence] = {
    CaseStatus.INTAKE: Sentence("An agent"),
    CaseStatus.VERIFYING: Sentence("The requester"),
    CaseStatus.READY: Sentence("An approver"),
    CaseStatus.WORKING: Sentence("The processors"),
    CaseStatus.ATTENTION: Sentence("An agent"),
    CaseStatus.REVIEW: Sentence("An agent"),
    CaseStatus.CLOSED: Sentence("No one"),
}


class Outcome(TextChoices):
    """How a case ended."""

    FULFILLED = "fulfilled", gettext_lazy("Fulfilled")
    PARTLY_FULFILLED = "partly_fulfilled", gettext_lazy("Partly fulfilled")
    DENIED = "denied", gettext_lazy("Denied")
    WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")
    DUPLICATE = "duplicate", gettext_lazy("Duplicate")
    NOT_VERIFIED = "not_verified", gettext_lazy("Not verified")
    NO_DATA_HELD = "no_data_held", gettext_lazy("No data held")


class RequestStatus(TextChoices):
    PLANNED = "planned", gettext_lazy("Planned")
    QUEUED = "queued", gettext_lazy("Queued")
    PENDING = "pending", gettext_lazy("Pending")
    IN_PROGRESS = "in_progress", gettext_lazy("In progress")
    COMPLETED = "completed", gettext_lazy("Completed")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")
    FAILED = "failed", gettext_lazy("Failed")


class Answer(TextChoices):
    """What a finished processor request amounts to."""

    DONE = "done", gettext_lazy("Done")
    ACCEPTED = "accepted", gettext_lazy("Accepted")
    NO_DATA_HELD = "no_data_held", gettext_lazy("No data held")
    NOT_APPLICABLE = "not_applicable", gettext_lazy("Not applicable")
    REFUSED = "refused", gettext_lazy("Refused")


SECOND_PERSON_TYPES = frozenset({"erasure", "correction"})
# Needs neither verification nor approval (11 CCR 7026(d), 7060(b)): it is sent as soon as it is opened.
UNVERIFIED_TYPES = frozenset({"opt_out"})

CASE_MOVES: dict[str, frozenset[str]] = {
    # Straight to work goes what needs no approval.
    CaseStatus.INTAKE: frozenset(
        {CaseStatus.VERIFYING, CaseStatus.READY, CaseStatus.WORKING, CaseStatus.CLOSED}
    ),
    # Back to an agent, where the person did not confirm in time.
    CaseStatus.VERIFYING: frozenset({CaseStatus.INTAKE, CaseStatus.READY, CaseStatus.CLOSED}),
    CaseStatus.READY: frozenset({CaseStatus.WORKING, CaseStatus.CLOSED}),
    # Back to an approver, where what was approved is changed before anything was sent.
    CaseStatus.WORKING: frozenset(
        {CaseStatus.READY, CaseStatus.ATTENTION, CaseStatus.REVIEW, CaseStatus.CLOSED}
    ),
    CaseStatus.ATTENTION: frozenset(
        {CaseStatus.READY, CaseStatus.WORKING, CaseStatus.REVIEW, CaseStatus.CLOSED}
    ),
    CaseStatus.REVIEW: frozenset({CaseStatus.WORKING, CaseStatus.ATTENTION, CaseStatus.CLOSED}),
    # Reopened with a reason: to verification where nothing was approved, else to what its requests say.
    CaseStatus.CLOSED: frozenset(
        {CaseStatus.INTAKE, CaseStatus.WORKING, CaseStatus.ATTENTION, CaseStatus.REVIEW},
    ),
}

# What we may do of our own accord.
REQUEST_MOVES: dict[str, frozenset[str]] = {
    RequestStatus.PLANNED: frozenset({RequestStatus.QUEUED, RequestStatus.CANCELLED}),
    RequestStatus.QUEUED: frozenset({RequestStatus.PENDING, RequestStatus.CANCELLED, RequestStatus.FAILED}),
    RequestStatus.PENDING: frozenset(),
    RequestStatus.IN_PROGRESS: frozenset(),
    RequestStatus.COMPLETED: frozenset(),
    RequestStatus.CANCELLED: frozenset(),
    # A human may retry, with the same id, or give it up.
    RequestStatus.FAILED: frozenset({RequestStatus.QUEUED, RequestStatus.CANCELLED}),
}

# What a verified word from outside may do: never backwards, steps may be skipped (OpenDSR v3, section 8:
# `in_progress` is optional), and it overrides `failed`, which is only our opinion.
REPORTED_MOVES: dict[str, frozenset[str]] = {
    RequestStatus.PLANNED: frozenset(),
    RequestStatus.QUEUED: frozenset(
        {RequestStatus.PENDING, RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED, RequestStatus.CANCELLED}
    ),
    RequestStatus.PENDING: frozenset(
        {RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED, RequestStatus.CANCELLED}
    ),
    RequestStatus.IN_PROGRESS: frozenset({RequestStatus.COMPLETED, RequestStatus.CANCELLED}),
    RequestStatus.COMPLETED: frozenset(),
    RequestStatus.CANCELLED: frozenset(),
    RequestStatus.FAILED: frozenset(
        {RequestStatus.PENDING, RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED, RequestStatus.CANCELLED}
    ),
}

FINISHED = frozenset({RequestStatus.COMPLETED, RequestStatus.CANCELLED})
IN_FLIGHT = frozenset({RequestStatus.QUEUED, RequestStatus.PENDING, RequestStatus.IN_PROGRESS})
DERIVED = frozenset({CaseStatus.WORKING, CaseStatus.ATTENTION, CaseStatus.REVIEW})


@dataclass(frozen=True, slots=True)
class RequestState:
    """What the case's status depends on, of one of its requests."""

    status: str
    answer: str = ""
    # The result of an access request is part of its answer: not finished before it is fetched.
    result_missing: bool = False
    # Of its partners, those that failed or have not answered, and for which nobody has attested it instead.
    partners_unanswered: bool = False


def derive_status(requests: Iterable[RequestState], *, open_attention: bool) -> str:
    """The status of an approved, open case: from its requests and its open attention items, nothing else."""
    if open_attention:
        return CaseStatus.ATTENTION
    states = list(requests)
    if any(state.status == RequestStatus.FAILED for state in states):
        return CaseStatus.ATTENTION
    if any(state.status not in FINISHED or state.result_missing for state in states):
        return CaseStatus.WORKING
    return CaseStatus.REVIEW


def derive_outcome(requests: Collection[RequestState]) -> str:
    """The outcome that the answers amount to; a human confirms it at closing.

    Requests that were cancelled or replaced count as unanswered, so a case in which nothing was done is
    never `fulfilled`; nor is one with a partner that failed or has not answered.
    """
    answers = [state.answer for state in requests if state.status == RequestStatus.COMPLETED and state.answer]
    fulfilled = Answer.DONE in answers or Answer.ACCEPTED in answers
    open_at_partners = any(state.partners_unanswered for state in requests)
    if not answers or len(answers) < len(requests) or Answer.REFUSED in answers or open_at_partners:
        return Outcome.PARTLY_FULFILLED if fulfilled else Outcome.DENIED
    return Outcome.FULFILLED if fulfilled else Outcome.NO_DATA_HELD
