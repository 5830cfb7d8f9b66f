"""Kinds of processors and the connectors that speak to them. A new vendor is one line here."""

from importlib import import_module

from dsrportal.sentence import Sentence
from integrations.account import Account
from integrations.connector import Connector

# kind -> (label, dotted path of the connector class); imported on first use.
KINDS: dict[str, tuple[Sentence, str]] = {
    "mparticle": (Sentence("mParticle workspace"), "integrations.mparticle.connector.MParticle"),
    "opendsr": (Sentence("OpenDSR processor"), "integrations.opendsr.connector.OpenDsr"),
    "leanplum": (Sentence("Leanplum app"), "integrations.leanplum.connector.Leanplum"),
    "manual": (Sentence("Manual"), "integrations.manual.connector.Manual"),
}


def connector_class(kind: str) -> type[Connector]:
    """The class for a kind. Raises KeyError for one that no line names."""
    module, _, name = KINDS[kind][1].rpartition(".")
    found: type[Connector] = getattr(import_module(module), name)
    return found


def connector_for(processor: Account) -> Connector:
    return connector_class(processor.kind)(processor)
