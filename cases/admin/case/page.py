"""Everything about one case, gathered in a fixed number of queries, for one page that reads from top to bottom."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.admin import widgets
from cases.admin.case import duplicate
from cases.admin.case.next_step import NextStep, next_step
from cases.admin.case.rows import CaseRows
from cases.admin.sections import clock as clock_section
from cases.admin.sections import notes as notes_section
from cases.admin.sections import person, presence, purposes, verification
from cases.admin.sections import plan as plan_section
from cases.admin.sections.notes import File, Thread
from cases.admin.sections.person import IdentityLine, SearchLine
from cases.admin.sections.plan import CasePlan
from cases.admin.sections.requests import RequestCard, cards
from cases.admin.sections.timeline import Entry, timeline
from cases.admin.sections.verification import VerificationCard
from cases.admin.verbs.table import VERBS
from cases.admin.verbs.verb import CaseVerb
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import (
    AttentionItem,
    Case,
    Clock,
    IntakeReceipt,
    ProcessorRequest,
    Purpose,
)
from cases.services.files.file_types import BY_ENDING
from cases.services.planning import erasure_hold
from cases.services.planning.resending import REMEDIED
from cases.services.status import forecast, whose_turn
from cases.services.status.request_status_text import Turn
from dsrportal.crypto import Unreadable
from dsrportal.models import User

# So many events are shown; the others are a click away.
LATEST: Final = 25

# Offered beside what they are about, not in the menu.
BESIDE_THE_PERSON: Final = frozenset({"reveal", "search", "identities"})
BESIDE_THE_LINK: Final = frozenset({"resend-link", "cancel-link"})
BESIDE_THE_PLAN: Final = frozenset({"plan"})
IN_THE_SUMMARY: Final = frozenset({"take"})


@dataclass(frozen=True, slots=True)
class CasePage:
    case: Case
    clock: Clock
    clock_words: str
    days: int | None
    standing: Turn
    # Why it will probably miss its date; "" where it will not.
    risk: str
    next_step: NextStep
    menu: list[CaseVerb[Any]]
    attention: list[AttentionItem]
    identities: list[IdentityLine]
    # What of an opt-out is taken back, in words.
    purposes: str
    verification: VerificationCard
    previews: list[SearchLine]
    plan: CasePlan
    # Until when an erasure that waits for another case can still be answered in time.
    latest_safe_at: datetime | None
    requests: list[RequestCard]
    threads: list[Thread]
    # Of what people put with the case; None for whoever may not see that.
    files: list[File] | None
    # Who else has it open, in a sentence.
    others: str
    tags: list[str]
    duplicates: duplicate.Duplicates
    # Of a case that a form of our own opened: what the form calls it, and the person's language.
    intake: str
    timeline: list[Entry]
    # Verbs that this person may do at all, and those of them that are due now.
    may: dict[str, bool] = field(default_factory=dict)
    offered: dict[str, bool] = field(default_factory=dict)

    @property
    def endings(self) -> str:
        """Of what may be attached."""
        return ", ".join(BY_ENDING)

    @property
    def accepts(self) -> str:
        return ",".join(f".{ending}" for ending in BY_ENDING)

    @property
    def upload_limit(self) -> int:
        limit: int = settings.UPLOAD_LIMIT_BYTES
        return limit

    @property
    def unverified(self) -> bool:
        """Neither verified nor approved: the law wants it at once."""
        return self.case.type in UNVERIFIED_TYPES

    @property
    def may_make_tasks(self) -> bool:
        return self.may["by-hand"] and self.case.status != CaseStatus.CLOSED

    @property
    def asked(self) -> list[RequestCard]:
        """What was sent, or is about to be; what is only planned stands in the plan."""
        planned = {RequestStatus.PLANNED} if self.plan.stored else set()
        return [card for card in self.requests if not card.dropped and card.request.status not in planned]

    @property
    def alerts(self) -> list[tuple[AttentionItem, ProcessorRequest | None]]:
        """What needs a decision, each with the request that can be sent again to settle it."""
        return [
            (
                item,
                item.processor_request
                if item.kind in REMEDIED
                and item.processor_request
                and item.processor_request.status == RequestStatus.COMPLETED
                else None,
            )
            for item in self.attention
        ]

    @property
    def dropped(self) -> list[RequestCard]:
        return [card for card in self.requests if card.dropped]

    @property
    def latest(self) -> list[Entry]:
        return self.timeline[:LATEST]

    @property
    def earlier(self) -> list[Entry]:
        return self.timeline[LATEST:]

    @property
    def days_words(self) -> str:
        return "" if self.days is None else widgets.days_in_words(self.days)

    @property
    def due_tone(self) -> str:
        return "quiet" if self.days is None else widgets.due_tone(self.days)


def case_page(request: HttpRequest, rows: CaseRows, *, all_paused: bool) -> CasePage:
    case, clock = rows.case, rows.clock
    searches = person.searches(case, rows.searches)
    requests = cards(rows.requests, searches)
    may = {verb.name: request.user.has_perm(verb.permission) for verb in VERBS}
    due = [verb for verb in VERBS if may[verb.name] and verb.due(case, [card.request for card in requests])]
    now = timezone.now()
    stands = whose_turn.for_known_case(
        case,
        requests=[(card.request, card.package is not None) for card in requests],
        items=rows.open_items,
        all_paused=all_paused,
        now=now,
    )
    plan = plan_section.of_case(
        case, [card.request for card in requests], known=rows.identities, left_out=rows.left_out
    )
    elsewhere = (
        BESIDE_THE_PERSON
        | BESIDE_THE_LINK
        | IN_THE_SUMMARY
        | (BESIDE_THE_PLAN if plan.stored else frozenset())
    )
    proven = verification.card(rows.links, rows.attempts)
    step = next_step(request, case, requests, due, stands, proven)
    ahead = forecast.predict(case, now=now, clock=clock, requests=[card.request for card in requests])
    threads = notes_section.threads(case, rows.notes, user=cast(User, request.user))
    return CasePage(
        case=case,
        clock=clock,
        clock_words=clock_section.explain(clock),
        days=None if case.status == CaseStatus.CLOSED else widgets.days_left(clock.due_at),
        standing=stands,
        risk=str(ahead.sentence) if ahead and ahead.at_risk else "",
        next_step=step,
        menu=[verb for verb in due if verb is not step.verb and verb.name not in elsewhere],
        attention=rows.open_items,
        identities=person.lines(case, rows.identities),
        purposes=purposes.describe(case),
        verification=proven,
        previews=[line for line in searches if line.search.purpose == Purpose.PREVIEW],
        plan=plan,
        latest_safe_at=erasure_hold.latest_safe_at(case) if erasure_hold.is_held(case) else None,
        requests=requests,
        threads=threads,
        files=notes_section.files(case, rows.files) if rows.files is not None else None,
        others=presence.on_page(request, case),
        duplicates=duplicate.of_case(case),
        tags=getattr(case, "tag_names", []),
        intake=_intake_in_words(case),
        timeline=timeline(rows.events, with_notes=notes_section.keys(threads)),
        may=may,
        offered={verb.name: True for verb in due},
    )


def _intake_in_words(case: Case) -> str:
    receipt: IntakeReceipt | None = getattr(case, "intake_receipt", None)
    if receipt is None:
        return ""
    words = [_("Language of the requester: %(tag)s") % {"tag": receipt.language}] if receipt.language else []
    with suppress(Unreadable):
        if receipt.external_reference:
            words.insert(
                0, _("Reference in the source system: %(name)s") % {"name": receipt.external_reference}
            )
    return ", ".join(words)
