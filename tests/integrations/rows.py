"""The row behind a connector: tests vary its settings, connectors only read them."""

from integrations.connector import Connector
from integrations.models import Processor


def row_of(connector: Connector) -> Processor:
    assert isinstance(connector.processor, Processor)
    return connector.processor
