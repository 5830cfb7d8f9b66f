from collections.abc import Iterator

import pytest

from integrations.models import Processor
from integrations.opendsr import signing_keys
from tests.authority import Authority

DOMAIN = "opendsr.mparticle.com"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def signed_by(db: None, authority: Authority) -> Iterator[Processor]:
    """A processor whose callbacks are signed under `authority`; this process remembers no key of it."""
    signing_keys.forget()
    yield Processor.objects.create(
        kind="mparticle", name="Signed", account="4302", extra_signing_roots=authority.root_pem
    )
    signing_keys.forget()
