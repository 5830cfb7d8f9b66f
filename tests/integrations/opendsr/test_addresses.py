import pytest

from integrations.opendsr.addresses import is_at_one_of, is_below

BASE = "https://dsr.example.com/opendsr/v3"


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://dsr.example.com/opendsr/v3/requests/1", True),
        ("https://DSR.Example.com:443/opendsr/v3/requests/1?x=../y", True),
        ("https://dsr.example.com/opendsr/v33/requests/1", False),
        ("https://dsr.example.com/opendsr/v3", False),
        ("https://dsr.example.com/opendsr/v3/../x", False),
        ("https://dsr.example.com/opendsr/v3/%2e%2E/x", False),
        ("https://dsr.example.com.evil.example/opendsr/v3/x", False),
        ("https://dsr.example.com@evil.example/opendsr/v3/x", False),
        ("https://dsr.example.com:8443/opendsr/v3/x", False),
        ("http://dsr.example.com/opendsr/v3/x", False),
        ("https://[::1/opendsr/v3/x", False),
        ("", False),
    ],
)
def test_below(url: str, below: bool) -> None:
    assert is_below(url, BASE) is below
    assert is_below(url, BASE + "/") is below
    assert not is_below(url, "")


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://static.example.com/cert.pem", True),
        ("https://dsr.example.com/cert.pem", True),
        ("https://STATIC.example.com:443/x", True),
        ("https://static.example.com:444/x", False),
        ("https://x.static.example.com/x", False),
        ("http://static.example.com/x", False),
        ("https://a@static.example.com/x", False),
        ("", False),
    ],
)
def test_at_one_of(url: str, known: bool) -> None:
    assert is_at_one_of(url, [BASE, "", "https://static.example.com"]) is known
    assert not is_at_one_of(url, [])
