"""Columns of the list of cases."""

from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.lifecycle import CaseStatus
from cases.models import Case
from cases.services.status import request_status_text

MOST_MARKS: Final = 6


class CaseColumns:
    """Of cases with their due date, standing, assignee and requests: see CaseAdmin.get_queryset and CaseList."""

    @admin.display(description=gettext_lazy("Tick"))
    def tick(self, case: Case) -> SafeString:
        label = _("Choose %(reference)s") % {"reference": case.reference}
        return format_html('<input type="checkbox" name="case" value="{}" aria-label="{}">', case.pk, label)

    @admin.display(description=gettext_lazy("Law"))
    def law(self, case: Case) -> str:
        return case.get_regulation_display()

    @admin.display(description=gettext_lazy("Status"))
    def status_badge(self, case: Case) -> SafeString:
        return widgets.case_badge(case.status)

    @admin.display(description=gettext_lazy("Whose turn"))
    def turn(self, case: Any) -> SafeString:
        stands: request_status_text.Turn = case.standing
        # A closed case is nobody's turn: how it ended is what counts.
        who = case.get_outcome_display() if case.status == CaseStatus.CLOSED else stands.turn
        return format_html(
            '<span class="turn" title="{}"><span class="who">{}</span><span class="since">{}</span></span>',
            stands.sentence,
            who,
            _("since %(when)s") % {"when": request_status_text.when(stands.since, now=timezone.now())},
        )

    @admin.display(description=gettext_lazy("Assignee"))
    def assigned(self, case: Case) -> SafeString | str:
        return (
            case.assignee.get_username()
            if case.assignee
            else format_html('<span class="muted">{}</span>', "–")
        )

    @admin.display(description=gettext_lazy("Due"), ordering="due_at")
    def due(self, case: Case) -> SafeString:
        due_at: datetime | None = getattr(case, "due_at", None)
        if due_at is None:
            return format_html("–")
        due_on = date_format(case.due_on, "DATE_FORMAT")  # type: ignore[attr-defined]
        if case.status == CaseStatus.CLOSED:
            return format_html('<span class="due muted">{}</span>', due_on)
        days = widgets.days_left(due_at)
        return format_html(
            '<span class="due due-{}">{}<span class="due-left">{}</span></span>',
            widgets.due_tone(days),
            due_on,
            widgets.days_in_words(days),
        )

    @admin.display(description=gettext_lazy("Answers"))
    def answers(self, case: Case) -> SafeString:
        requests = case.requests.all()
        if not requests:
            words = _("Nobody was asked") if case.status == CaseStatus.CLOSED else _("Not planned yet")
            return format_html('<span class="muted" title="{}">–</span>', words)
        shown = format_html_join(
            "", "{}", ((widgets.request_mark(request),) for request in requests[:MOST_MARKS])
        )
        more = f"+{len(requests) - MOST_MARKS}" if len(requests) > MOST_MARKS else ""
        return format_html('<span class="marks">{}{}</span>', shown, more)

    @admin.display(description=gettext_lazy("Received"), ordering="received_at")
    def received(self, case: Case) -> str:
        return widgets.day(case.received_at)
