"""Describes an opt-out in words: processors have flags whose names say the opposite of what they do."""

from typing import Final

from django.utils.translation import gettext as _

from cases.models import Case
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.types import Regulation, RequestType

# The option in which a processor keeps the names of its purposes, one a line.
OPTION: Final = "gdpr_purposes"


def known() -> list[str]:
    """Names that processors have for purposes of consent, to choose from; in the order of their lists, each once."""
    names: dict[str, None] = {}
    for processor in Processor.objects.order_by("name"):
        if any(option.name == OPTION for option in connector_class(processor.kind).options):
            names.update(dict.fromkeys(lines(processor.option(OPTION))))
    return list(names)


def lines(text: str) -> list[str]:
    """One name a line; blank lines and repetitions are none."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def describe(case: Case) -> str:
    """What an opt-out does; "" for any other case. CCPA speaks of a sale, the GDPR of consent to purposes."""
    if case.type != RequestType.OPT_OUT:
        return ""
    if case.regulation == Regulation.CCPA:
        return _("Opted out of the sale and sharing of personal data")
    if not case.purposes:
        return _("Consent withdrawn, no purpose specified")
    return _("Consent withdrawn for: %(purposes)s") % {"purposes": ", ".join(case.purposes)}
