"""The legal clock of a case, in words."""

from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Clock

RULES_IN_WORDS: Final = {
    "GDPR Art 12(3)": gettext_lazy("One month from receipt (GDPR Art 12(3))"),
    "11 CCR 7021(b)": gettext_lazy("45 calendar days from receipt (11 CCR 7021(b))"),
    "11 CCR 7026(f)": gettext_lazy("15 business days from receipt (11 CCR 7026(f))"),
}


def explain(clock: Clock) -> str:
    """By which rule it runs, from when, and why it ends when it does."""
    rule = str(RULES_IN_WORDS.get(clock.rule, clock.rule))
    words = _("%(rule)s, counted from %(start)s in %(zone)s.") % {
        "rule": rule,
        "start": date_format(clock.started_on, "DATE_FORMAT"),
        "zone": clock.zone,
    }
    if clock.due_on != clock.nominal_on:
        words += " " + _("%(nominal)s is not a working day, so the deadline moves to the next one.") % {
            "nominal": date_format(clock.nominal_on, "DATE_FORMAT")
        }
    return words
