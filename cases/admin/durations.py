"""Lengths of time as a person says them."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def spell(seconds: float) -> str:
    """To the nearest unit that matters: “12 seconds”, “3 minutes”, “5 hours”, “2 days”."""
    if seconds < 1:
        return _("less than a second")
    if seconds < 1.5 * _MINUTE:
        count = round(seconds)
        return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}
    if seconds < 1.5 * _HOUR:
        count = round(seconds / _MINUTE)
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    if seconds < 1.5 * _DAY:
        count = round(seconds / _HOUR)
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    count = round(seconds / _DAY)
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
