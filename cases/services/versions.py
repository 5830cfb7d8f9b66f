"""Nothing is overwritten unseen: whoever decides about a case says how much of it they had before them.

Every change of a case is an event of its audit chain, numbered, so the number of the last one is the case's version. Of
what came after it only that matters which touches the same thing: an answer of a processor does not stop anybody from
changing the tags. Asked under the case's lock, where nothing can come in between.
"""

from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

from cases.actor import Actor
from cases.models import Action, AuditChain, AuditEvent, Case, ProcessorRequest
from cases.services.refusal import Superseded
from dsrportal.sentence import Sentence, paragraph

ASSIGNEE: Final = frozenset({Action.CASE_ASSIGNED})
FOLLOW_UP: Final = frozenset({Action.CASE_DEFERRED})
TAGS: Final = frozenset({Action.CASE_TAGGED})
TASK: Final = frozenset({Action.TASK_ASSIGNED})
HOLD: Final = frozenset({Action.CASE_HELD, Action.CASE_RELEASED})
# Of more than these the last are told.
MOST_TOLD: Final = 3
# Decisions on the case as a whole: whoever comes second hears who came first.
DECISION: Final = frozenset(
    {
        Action.CASE_APPROVED,
        Action.APPROVAL_VOIDED,
        Action.APPROVAL_UNDONE,
        Action.CASE_DENIED,
        Action.CASE_WITHDRAWN,
        Action.CASE_CLOSED,
        Action.CASE_CLOSED_AS_DUPLICATE,
        Action.CASE_REOPENED,
    }
)
PLAN: Final = DECISION | {
    Action.CASE_VERIFIED,
    Action.CASE_PLANNED,
    Action.CASE_PLAN_CHANGED,
    Action.CASE_IDENTITIES_CHANGED,
}
# What two cases that look alike were compared by.
COMPARED: Final = PLAN | {
    Action.DUPLICATE_TAKEN,
    Action.DUPLICATE_DISMISSED,
    Action.DUPLICATE_SUGGESTED_AGAIN,
    Action.CASE_QUEUED,
}
# What was sent, or is about to be.
SENDING: Final = PLAN | {Action.CASE_QUEUED, Action.CANCEL_REQUESTED, Action.REQUEST_RETRIED}
# What an outcome rests on, whoever said it.
ANSWERS: Final = DECISION | {
    Action.REQUEST_STATUS_CHANGED,
    Action.REQUEST_ANSWERED,
    Action.TASK_ATTESTED,
    Action.FORWARDING_CHANGED,
    Action.RESULT_SEALED,
    Action.RESULT_MISSED,
}


class Conflict(Superseded):
    """What the page showed is no longer so. `sequence` is the number of the last event that the sentences tell of."""

    def __init__(self, *sentences: Sentence, sequence: int) -> None:
        super().__init__(paragraph(sentences))
        self.sentences = sentences
        self.sequence = sequence


def version(case_id: int) -> int:
    """The number of the case's last event. Read before whatever a page shows, so that it never says too much."""
    head = AuditChain.objects.filter(name=_chain(case_id)).values_list("sequence", flat=True).first()
    return head or 0


def refuse_conflict(
    locked: Case, *, actor: Actor, touching: frozenset[Action], request: ProcessorRequest | None = None
) -> None:
    """Refuse to overwrite: look for such events since the actor looked at the locked case.

    With `request` only what is about that one. Whoever was shown no page, such as the portal itself, is not refused.
    Raises Conflict where there are any.
    """
    seen = actor.seen
    if seen is None or seen.case_id != locked.pk:
        return
    since = AuditEvent.objects.filter(
        chain=_chain(locked.pk), sequence__gt=seen.sequence, action__in=[str(each) for each in touching]
    )
    if request is not None:
        since = since.filter(details__request=str(request.pk))
    latest: list[AuditEvent] = list(since.order_by("-sequence")[:MOST_TOLD])
    if latest:
        raise Conflict(
            Sentence("This changed since you opened the page. Review it and try again."),
            *(_in_words(event, actor=actor) for event in reversed(latest)),
            sequence=latest[0].sequence,
        )


def _in_words(event: AuditEvent, *, actor: Actor) -> Sentence:
    at = timezone.localtime(event.at)
    today = at.date() == timezone.localdate()
    who = event.actor_label or Sentence("The portal")
    if event.actor_id is not None and event.actor_id == actor.user_id:
        who = Sentence("You, in another window")
    return Sentence(
        "%(who)s, %(when)s: %(what)s.",
        who=who,
        when=date_format(at, "H:i" if today else "DATETIME_FORMAT"),
        what=event.sentence,
    )


def _chain(case_id: int) -> str:
    return f"case:{case_id}"
