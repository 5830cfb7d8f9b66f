"""Results of a connection test, credential by credential, with the field to look at."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.actor import Actor
from cases.admin.processors.form import CREDENTIAL, OPTION
from cases.admin.verb import Values
from cases.services.processors import accounts, pausing
from cases.services.refusal import Refused
from integrations.errors import Unauthorized
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.types import ConnectionCheck, Secret


@dataclass(frozen=True, slots=True)
class Row:
    """`outcome` is works, fails or unset; `field` and `address` where to look, for who may change it."""

    outcome: str
    name: str
    sentence: str
    field: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    checks: list[ConnectionCheck]
    was_paused: bool


def test(processor: Processor, actor: Actor, _said: Values) -> Tested:
    was_paused = processor.paused_at is not None
    return Tested(accounts.test_connection(processor, actor=actor), was_paused)


def tested(request: HttpRequest, context: Values, processor: Processor, found: Tested) -> HttpResponseBase:
    """Show what came of it; a pause that ends by it, or does not, is told above."""
    if found.was_paused:
        processor.refresh_from_db(fields=["paused_at"])
        level, sentence = (
            sends_again(processor)
            if processor.paused_at is None
            else (messages.WARNING, _("%(name)s is still paused.") % {"name": processor.name})
        )
        messages.add_message(request, level, sentence)
    shown = {**context, "rows": list(rows(processor, found.checks))}
    shown["works"] = all(check.works or not check.is_set for check in found.checks)
    may_change = request.user.has_perm("integrations.change_processor")
    shown["looks_at"] = may_change and any(row.address for row in shown["rows"])
    return TemplateResponse(request, "portal/processors/check.html", shown)


def sends_again(processor: Processor) -> tuple[int, str]:
    name = {"name": processor.name}
    if pausing.is_paused():
        return messages.WARNING, _("Sending to %(name)s continues when all sending is resumed.") % name
    return messages.SUCCESS, _("Sending to %(name)s has resumed.") % name


def rows(processor: Processor, checks: list[ConnectionCheck]) -> Iterator[Row]:
    """One for each check, then one for those credentials together of which nothing is stored."""
    fields = field_addresses(processor)
    for check in checks:
        label, address = fields.get(check.key_field, ("", ""))
        outcome = "unset" if not check.is_set else "works" if check.works else "fails"
        yield Row(outcome, str(check.name), str(check.sentence), label, "" if outcome == "works" else address)
    told = {check.key_field for check in checks if not check.is_set}
    for group in _unset(processor):
        if told.isdisjoint(secret.name for secret in group):
            label, address = fields[group[0].name]
            names = ", ".join(str(secret.label) for secret in group)
            yield Row("unset", names, _("Not stored, so not tested."), label, address)


def _unset(processor: Processor) -> list[list[Secret]]:
    """Credentials that are not stored; those that are sent to the same addresses together."""
    groups: dict[tuple[str, ...], list[Secret]] = {}
    for secret in connector_class(processor.kind).secrets:
        if not processor.credentials.get(secret.name):
            groups.setdefault(secret.sent_to, []).append(secret)
    return list(groups.values())


def field_addresses(processor: Processor) -> dict[str, tuple[str, str]]:
    """By the name of each credential and option: its label, and where on the processor's page its field is."""
    kind = connector_class(processor.kind)
    page = reverse("admin:integrations_processor_change", args=[processor.pk])
    return {
        "base_url": (_("API address"), f"{page}#id_base_url"),
        **{
            secret.name: (str(secret.label), f"{page}#id_{CREDENTIAL}{secret.name}")
            for secret in kind.secrets
        },
        **{option.name: (str(option.label), f"{page}#id_{OPTION}{option.name}") for option in kind.options},
    }


def field_to_look_at(processor: Processor, refused: Refused | None) -> Values:
    """The field of the credentials that the vendor refused, where that is why a service did."""
    error = refused.__cause__ if refused else None
    key_field = error.key_field if isinstance(error, Unauthorized) else ""
    label, address = field_addresses(processor).get(key_field, ("", ""))
    return {"field": label, "field_address": address}
