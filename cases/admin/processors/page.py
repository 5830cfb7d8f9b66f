"""The head of a processor's page: how it stands, whether its account is proven, what it can do, what was chosen."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.processors import budget, kinds, verbs
from cases.admin.processors.form import calls_back, has_api
from cases.services.processors import accounts
from dsrportal.sentence import Sentence
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import connector_class

Context = dict[str, Any]


def page(request: HttpRequest, processor: Processor) -> Context:
    kind = connector_class(processor.kind)
    may_change = request.user.has_perm("integrations.change_processor")
    return {
        "account_label": kind.account_label,
        "state": state_badge(processor),
        "proof": proof_badge(processor),
        "proves": proves(processor),
        "does": kinds.does(processor),
        "besides": kinds.besides(kind),
        "by_hand": not has_api(kind),
        "open_work": open_work(processor),
        "chosen": [] if may_change else _chosen(processor),
        "missing_to_connect": _missing(processor) if may_change else [],
        "verbs": verbs.offered_to(request, processor),
        "budget": budget.card(processor) if has_api(kind) else None,
        "standing_still": processor.paused_at is not None or getattr(processor, "halted", False),
        "now": timezone.now(),
    }


def _chosen(processor: Processor) -> list[tuple[Sentence, Sentence | str]]:
    """The options in words, for who may only look."""
    options = connector_class(processor.kind).options
    found = [(option, processor.option(option.name)) for option in options]
    return [(option.label, dict(option.choices).get(text, text)) for option, text in found if text]


def _missing(processor: Processor) -> list[Sentence]:
    kind = connector_class(processor.kind)
    if Capability.WORKSPACES not in kind.capabilities:
        return []
    return accounts.missing_to_connect(processor)


def open_work(processor: Processor) -> str:
    """What waits there for an answer: requests, or tasks where people do it."""
    if not has_api(connector_class(processor.kind)):
        tasks: int = getattr(processor, "open_tasks", 0)
        return ngettext("%(count)d open task", "%(count)d open tasks", tasks) % {"count": tasks}
    flying: int = getattr(processor, "flying", 0)
    return ngettext("%(count)d in progress", "%(count)d in progress", flying) % {"count": flying}


def state_badge(processor: Processor) -> SafeString:
    if processor.paused_at is None:
        if getattr(processor, "halted", False):
            return widgets.badge(_("Paused (all sending)"), "warn", "pause")
        return widgets.badge(_("Running"), "good")
    because = accounts.PAUSED_BECAUSE.get(processor.paused_reason, processor.paused_reason)
    tone = "warn" if processor.paused_reason in accounts.PAUSE_REASONS else "bad"
    return format_html('<span title="{}">{}</span>', because, widgets.badge(_("Paused"), tone, "pause"))


def proves(processor: Processor) -> bool:
    """Whether its answers name the account: whatever calls back does, since callbacks are told apart by it."""
    return calls_back(connector_class(processor.kind))


def proof_badge(processor: Processor) -> SafeString | str:
    if not proves(processor):
        return ""
    if processor.account_proven_at is None:
        return widgets.badge(_("Not confirmed yet"), "quiet")
    return widgets.badge(_("Connection confirmed"), "good")


def copyable(text: str) -> SafeString:
    """A click selects all of it, and the button copies it."""
    return format_html(
        '<span class="copy"><code>{}</code><button type="button" class="icon-button" data-copy="{}" data-copied="{}" '
        'title="{}">{}</button></span>',
        text,
        text,
        _("Copied"),
        _("Copy"),
        widgets.icon("copy"),
    )
