"""Texts for who acted and why, shared by the list, the page and the export of audit events."""

from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.sections.timeline import NOBODY, REASONS_IN_WORDS
from cases.models import AuditEvent
from cases.services.processors import accounts

_REASONS: Final = {
    **REASONS_IN_WORDS,
    **accounts.PAUSED_BECAUSE,
    "superuser_granted": gettext_lazy("Granted superuser rights"),
    "superuser_revoked": gettext_lazy("Superuser rights withdrawn"),
    "created": gettext_lazy("Created"),
    "renamed": gettext_lazy("Renamed"),
    "deleted": gettext_lazy("Deleted"),
    "upgraded": gettext_lazy("By an upgrade of the portal"),
    "duplicate": gettext_lazy("Duplicate"),
    "own": gettext_lazy("Own password"),
    "by_another": gettext_lazy("By an administrator"),
}


def everything_of(event: AuditEvent) -> str:
    """Where everything stands that this account, or this source without one, did; "" for the portal itself."""
    if not event.actor_id and not event.actor_label:
        return ""
    query = {"user": event.actor_id} if event.actor_id else {"who": event.actor_label}
    return f"{reverse('admin:cases_auditevent_changelist')}?{urlencode(query)}"


def who(event: AuditEvent) -> str:
    """The person by the name they had, or what it was instead of one."""
    return event.actor_label or str(NOBODY.get(event.source) or _("Not logged in"))


def reason_in_words(event: AuditEvent) -> str:
    return str(_REASONS.get(event.reason, event.reason.replace("_", " ")))
