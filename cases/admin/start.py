"""The first page: how much there is of what, what is due next, and what needs a decision."""

from typing import Any, Final

from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone

from cases.admin import marks
from cases.admin.case_filters import OPEN, OVERDUE, due_condition, how_many, with_due_date
from cases.lifecycle import WHOSE_TURN, CaseStatus
from cases.models import AttentionItem
from cases.services import forecast, standing

SHOWN: Final = 8


def start(request: HttpRequest) -> dict[str, Any]:
    """What of it this person may see."""
    context: dict[str, Any] = {}
    if request.user.has_perm("cases.view_case"):
        context |= {"figures": _figures(), "due_next": _due_next()}
    if request.user.has_perm("cases.view_attentionitem"):
        items = AttentionItem.objects.filter(resolved_at__isnull=True)
        if "figures" not in context:  # as in the list of them: only what is about processors
            items = items.filter(case__isnull=True)
        context["attention_items"] = items.select_related("case", "processor").order_by("opened_at")[:SHOWN]
    return context


def _figures() -> dict[str, Any]:
    """Counted as the lists they link to are filtered, so that the two agree."""
    now = timezone.now()
    rows = (
        with_due_date()
        .filter(status__in=OPEN)
        .order_by()
        .values("status")
        .annotate(
            cases=Count("pk"),
            overdue=Count("pk", filter=due_condition(OVERDUE)),
            soon=Count("pk", filter=due_condition("7")),
        )
    )
    found = {row["status"]: row for row in rows}
    return {
        "statuses": [
            {
                "status": status,
                "count": found[status]["cases"] if status in found else 0,
                "turn": str(WHOSE_TURN[status]).partition(": ")[0],
            }
            for status in CaseStatus.values
            if status != CaseStatus.CLOSED
        ],
        "open": sum(row["cases"] for row in found.values()),
        "overdue": sum(row["overdue"] for row in found.values()),
        "soon": sum(row["soon"] for row in found.values()),
        "stuck": how_many(standing.stuck(now=now)),
        "at_risk": how_many(forecast.at_risk(now=now)),
    }


def _due_next() -> list[dict[str, Any]]:
    cases = with_due_date().filter(status__in=OPEN).order_by("due_at", "pk")[:SHOWN]
    rows = []
    for case in cases:
        days = marks.days_left(case.due_at)
        rows.append({"case": case, "words": marks.days_in_words(days), "tone": marks.due_tone(days)})
    return rows
