"""Everything about one case, gathered in a fixed number of queries, for one page that reads from top to bottom."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import case_notes, case_plan, duplicate, marks, person, presence, purposes, verification
from cases.admin.acting import actor_of
from cases.admin.case_notes import File, Thread
from cases.admin.case_plan import CasePlan
from cases.admin.case_requests import RequestCard, cards
from cases.admin.person import IdentityLine, SearchLine
from cases.admin.timeline import Entry, timeline
from cases.admin.verb import Verb
from cases.admin.verbs import BY_NAME, VERBS
from cases.admin.verification import VerificationCard
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import (
    AttentionItem,
    Case,
    Clock,
    ClockKind,
    IntakeReceipt,
    ProcessorRequest,
    Purpose,
    Tag,
)
from cases.services import approval, forecast, holding, standing
from cases.services.attachable import BY_ENDING
from cases.services.repeating import REMEDIED
from cases.services.whereabouts import Standing
from dsrportal.crypto import Unreadable
from dsrportal.models import User

# So many events are shown; the others are a click away.
LATEST: Final = 25

# Offered beside what they are about, not in the menu.
BESIDE_THE_PERSON: Final = frozenset({"reveal", "search", "identities"})
BESIDE_THE_LINK: Final = frozenset({"resend-link", "cancel-link"})
BESIDE_THE_PLAN: Final = frozenset({"plan"})
IN_THE_SUMMARY: Final = frozenset({"take"})

RULES_IN_WORDS: Final = {
    "GDPR Art 12(3)": gettext_lazy("One month from receipt (GDPR Art 12(3))"),
    "11 CCR 7021(b)": gettext_lazy("45 calendar days from receipt (11 CCR 7021(b))"),
    "11 CCR 7026(f)": gettext_lazy("15 business days from receipt (11 CCR 7026(f))"),
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is due now: a sentence, and the verb that does it if this person may."""

    sentence: str
    verb: Verb | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    case: Case
    clock: Clock
    clock_words: str
    days: int | None
    standing: Standing
    # Why it will probably miss its date; "" where it will not.
    risk: str
    next_step: NextStep
    menu: list[Verb]
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
        return "" if self.days is None else marks.days_in_words(self.days)

    @property
    def due_tone(self) -> str:
        return "quiet" if self.days is None else marks.due_tone(self.days)


def load(case_id: int) -> Case | None:
    people = (
        "opened_by",
        "intake_source",
        "verified_by",
        "approved_by",
        "assignee",
        "blocked_by",
        "duplicate_of",
    )
    names = ArraySubquery(Tag.objects.filter(cases=OuterRef("pk")).values("name"))
    cases = Case.objects.select_related("data_key", "subject", *people).annotate(
        tag_names=names, **duplicate.WITH_CASE
    )
    return cases.filter(pk=case_id).first()


def case_page(request: HttpRequest, case: Case) -> CasePage:
    clock = case.clocks.get(kind=ClockKind.RESPONSE)
    searches = person.searches(case)
    requests = cards(case, searches)
    attention = list(
        case.attention_items.filter(resolved_at__isnull=True)
        .select_related("processor_request")
        .order_by("opened_at")
    )
    may = {verb.name: request.user.has_perm(verb.permission) for verb in VERBS}
    due = [verb for verb in VERBS if may[verb.name] and verb.due(case, [card.request for card in requests])]
    now = timezone.now()
    stands = standing.of_known(
        case,
        requests=[(card.request, card.package is not None) for card in requests],
        items=attention,
        now=now,
    )
    identities = person.rows_of(case)
    plan = case_plan.of(case, [card.request for card in requests], known=identities)
    elsewhere = (
        BESIDE_THE_PERSON
        | BESIDE_THE_LINK
        | IN_THE_SUMMARY
        | (BESIDE_THE_PLAN if plan.stored else frozenset())
    )
    proven = verification.card(case)
    step = _next_step(request, case, requests, due, stands, proven)
    ahead = forecast.of(case, now=now, clock=clock, requests=[card.request for card in requests])
    threads = case_notes.threads(case, user=cast(User, request.user))
    return CasePage(
        case=case,
        clock=clock,
        clock_words=_clock_in_words(clock),
        days=None if case.status == CaseStatus.CLOSED else marks.days_left(clock.due_at),
        standing=stands,
        risk=ahead.sentence if ahead and ahead.at_risk else "",
        next_step=step,
        menu=[verb for verb in due if verb is not step.verb and verb.name not in elsewhere],
        attention=attention,
        identities=person.lines(case, identities),
        purposes=purposes.in_words(case),
        verification=proven,
        previews=[line for line in searches if line.search.purpose == Purpose.PREVIEW],
        plan=plan,
        latest_safe_at=holding.latest_safe_at(case) if held(case) else None,
        requests=requests,
        threads=threads,
        files=case_notes.files(case) if request.user.has_perm("cases.view_attachment") else None,
        others=presence.on_page(request, case),
        duplicates=duplicate.of_case(case),
        tags=getattr(case, "tag_names", []),
        intake=_intake_in_words(case),
        timeline=timeline(case, with_notes=case_notes.keys(threads)),
        may=may,
        offered={verb.name: True for verb in due},
    )


def held(case: Case) -> bool:
    return case.blocked_by_id is not None and case.status != CaseStatus.CLOSED


def _intake_in_words(case: Case) -> str:
    receipt = IntakeReceipt.objects.filter(case=case).first() if case.intake_source_id else None
    if receipt is None:
        return ""
    receipt.case = case  # with its data key, which is loaded already
    words = [_("Their language: %(tag)s") % {"tag": receipt.language}] if receipt.language else []
    with suppress(Unreadable):
        if receipt.external_reference:
            words.insert(0, _("Their reference: %(name)s") % {"name": receipt.external_reference})
    return ", ".join(words)


def _clock_in_words(clock: Clock) -> str:
    rule = str(RULES_IN_WORDS.get(clock.rule, clock.rule))
    words = _("%(rule)s, counted from %(start)s in %(zone)s.") % {
        "rule": rule,
        "start": date_format(clock.started_on, "d M Y"),
        "zone": clock.zone,
    }
    if clock.due_on != clock.nominal_on:
        words += " " + _("Moved on from %(nominal)s, which is no working day.") % {
            "nominal": date_format(clock.nominal_on, "d M Y")
        }
    return words


def _next_step(
    request: HttpRequest,
    case: Case,
    requests: list[RequestCard],
    due: list[Verb],
    stands: Standing,
    proven: VerificationCard,
) -> NextStep:
    """The one thing that is due now, in words, with its verb where this person may do it."""

    def offered(name: str) -> Verb | None:
        return BY_NAME[name] if BY_NAME[name] in due else None

    if case.status == CaseStatus.VERIFYING:
        return NextStep(verification.waiting_for_person(proven.link))
    if case.status == CaseStatus.INTAKE:
        return NextStep(
            _("Check that the person is who they say they are, then record how."), offered("verify")
        )
    if case.status == CaseStatus.READY:
        refusal = approval.why_not(case, actor=actor_of(request), by_trail=False)
        if offered("approve") and not refusal:
            return NextStep(_("Look at the plan and approve it, or deny the case."), offered("approve"))
        if offered("approve"):
            return NextStep(_("Waits for an approver.") + " " + refusal)
        return NextStep(_("Waits for an approver."))
    if case.status == CaseStatus.REVIEW:
        if requests and all(
            card.request.status == RequestStatus.CANCELLED for card in requests if not card.dropped
        ):
            return NextStep(
                _(
                    "Every request was cancelled. Record a withdrawal if the person took the case back, else close it."
                ),
                offered("close"),
            )
        return NextStep(_("All answers are in. Check them, then close the case."), offered("close"))
    if case.status == CaseStatus.ATTENTION:
        return NextStep(
            _("Something needs a decision; until then the case does not move."),
            offered("release") or offered("retry"),
        )
    if case.status == CaseStatus.WORKING and held(case):
        return NextStep(
            _("Goes on by itself once %(other)s is closed. Close that case, or release this one.")
            % {"other": case.blocked_by},
            offered("release"),
        )
    if case.status == CaseStatus.WORKING:
        return NextStep(stands.sentence)
    closed_on = marks.day(case.closed_at) if case.closed_at else ""
    return NextStep(
        _("Closed as %(outcome)s on %(day)s.") % {"outcome": case.get_outcome_display(), "day": closed_on}
    )
