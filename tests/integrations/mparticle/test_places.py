import ast
from pathlib import Path

import pytest

import integrations.mparticle
from integrations.models import Processor
from integrations.mparticle import places

pytestmark = pytest.mark.django_db


def processor(**options: str) -> Processor:
    return Processor(kind="mparticle", name="Shop", account="1", options=options)


@pytest.mark.parametrize(
    ("pod", "identity", "events"),
    [
        ("", "https://identity.mparticle.com/v1", "https://s2s.us1.mparticle.com/v2"),
        ("us1", "https://identity.mparticle.com/v1", "https://s2s.us1.mparticle.com/v2"),
        ("us2", "https://identity.us2.mparticle.com/v1", "https://s2s.us2.mparticle.com/v2"),
        ("eu1", "https://identity.eu1.mparticle.com/v1", "https://s2s.eu1.mparticle.com/v2"),
        ("au1", "https://identity.au1.mparticle.com/v1", "https://s2s.au1.mparticle.com/v2"),
    ],
)
def test_the_pod_leads_to_its_hosts(pod: str, identity: str, events: str) -> None:
    chosen = processor(pod=pod)
    assert (places.identity(chosen), places.events(chosen)) == (identity, events)
    assert places.platform(chosen) == "https://api.mparticle.com/v1"
    assert places.sso(chosen) == "https://sso.auth.mparticle.com"
    # Data subject requests have one host for all pods.
    assert chosen.api_address == "https://opendsr.mparticle.com/v3"


@pytest.mark.parametrize("pod", ["evil.example/", "eu1.mparticle.com@evil.example", "EU1", "mars"])
def test_no_other_text_becomes_part_of_a_host(pod: str) -> None:
    assert places.identity(processor(pod=pod)) == "https://identity.mparticle.com/v1"
    assert places.events(processor(pod=pod)) == "https://s2s.us1.mparticle.com/v2"


def test_a_typed_address_wins() -> None:
    chosen = processor(
        pod="eu1",
        identity_url="https://proxy.example/identity/v1/",
        events_url=" https://proxy.example/s2s/v2",
        platform_url="https://proxy.example/platform/v1",
        sso_url="https://proxy.example/sso",
    )
    assert [place(chosen) for place in (places.identity, places.events, places.platform, places.sso)] == [
        "https://proxy.example/identity/v1",
        "https://proxy.example/s2s/v2",
        "https://proxy.example/platform/v1",
        "https://proxy.example/sso",
    ]


def test_no_path_is_one_of_the_calls_that_create_a_profile() -> None:
    """IDSync's other calls make the profile they look for, of a person who may have asked to be gone."""
    folder = Path(integrations.mparticle.__file__).parent
    texts = [
        node.value
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert any("/search" in text for text in texts)
    for path in ("/identify", "/login", "/logout", "/bulkdelete", "/historical"):
        assert [text for text in texts if path in text] == []
