"""How the list, the page and the export of audit events say who it was and why."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.timeline import NOBODY, REASONS_IN_WORDS
from cases.models import AuditEvent
from cases.services import processors

_REASONS: Final = {
    **REASONS_IN_WORDS,
    **processors.PAUSED_BECAUSE,
    "superuser_granted": gettext_lazy("Made a superuser"),
    "superuser_revoked": gettext_lazy("No longer a superuser"),
    "own": gettext_lazy("Their own"),
    "by_another": gettext_lazy("By an administrator"),
}


def who(event: AuditEvent) -> str:
    """The person by the name they had, or what it was instead of one."""
    return event.actor_label or str(NOBODY.get(event.source) or _("Not logged in"))


def reason_in_words(event: AuditEvent) -> str:
    return str(_REASONS.get(event.reason, event.reason.replace("_", " ")))
