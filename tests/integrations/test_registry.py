import pytest

from integrations.connector import Capability, Connector
from integrations.models import Processor
from integrations.registry import KINDS, connector_class, connector_for
from tests.integrations.odd_server import OddServer

VERBS = [name for name in vars(Connector) if not name.startswith("_") and callable(getattr(Connector, name))]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_connector_that_fulfils_the_contract(kind: str) -> None:
    found = connector_class(kind)
    assert found.kind == kind
    assert found.label == KINDS[kind][0]
    assert found.capabilities <= set(Capability)
    assert all(secret.name and secret.label for secret in found.secrets)
    assert all(option.name and option.label for option in found.options)
    assert VERBS
    assert [verb for verb in VERBS if not callable(getattr(found, verb, None))] == []


def test_a_kind_that_no_line_names_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        connector_class("leanpenny")


def test_a_processor_gets_the_connector_of_its_kind(odd_processor: Processor, odd: OddServer) -> None:
    assert connector_for(odd_processor).kind == "mparticle"
    assert odd.requests == []
