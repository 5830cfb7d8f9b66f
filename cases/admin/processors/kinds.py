"""Kinds of processors in words: which there are to choose from, what each is for and what it can do."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.connector import Capability, Connector
from integrations.models import Processor
from integrations.registry import KINDS, connector_class

_REQUESTS: Final = {
    Capability.ACCESS: gettext_lazy("access"),
    Capability.PORTABILITY: gettext_lazy("portability"),
    Capability.ERASURE: gettext_lazy("erasure"),
    Capability.OPT_OUT: gettext_lazy("opt-out"),
    Capability.CORRECTION: gettext_lazy("correction"),
}
_BESIDES: Final = {
    Capability.SEARCH: gettext_lazy("search"),
    Capability.CANCEL: gettext_lazy("cancellation"),
    Capability.REPORTS: gettext_lazy("status checks"),
    Capability.CALLBACKS: gettext_lazy("callbacks"),
    Capability.RESULTS: gettext_lazy("result downloads"),
    Capability.BY_HAND: gettext_lazy("tasks for manual work"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as it stands on the page on which one is chosen."""

    name: str
    label: str
    description: str
    requests: str
    besides: str


def all_kinds() -> list[Kind]:
    found = [(name, label, connector_class(name)) for name, (label, _path) in KINDS.items()]
    return [
        Kind(name, str(label), str(kind.description), requests(kind), besides(kind))
        for name, label, kind in found
    ]


def requests(kind: type[Connector]) -> str:
    """The types of request that a kind takes: “Access, portability and erasure”."""
    return _listed([str(word) for capability, word in _REQUESTS.items() if capability in kind.capabilities])


def besides(kind: type[Connector]) -> str:
    """What else it can do, as the rest of a sentence."""
    return _listed([str(word) for capability, word in _BESIDES.items() if capability in kind.capabilities])


def does(processor: Processor) -> str:
    """The types of request that a processor takes: those of its kind, or fewer where that was chosen."""
    kind = connector_class(processor.kind)
    for option in kind.options:
        chosen = processor.option(option.name)
        if option.name == "types" and chosen != option.default:
            return str(dict(option.choices).get(chosen) or chosen)
    return requests(kind)


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        text = "".join(words)
    else:
        text = _("%(most)s and %(last)s") % {"most": ", ".join(words[:-1]), "last": words[-1]}
    return text[:1].upper() + text[1:]
