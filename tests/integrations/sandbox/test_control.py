"""The control API and the page."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox, SandboxFailed

from .bodies import MINUTE, create, raw
from .receiver import Receiver


@pytest.mark.parametrize(
    "change",
    [
        {"unheard_of": 1},
        {"cancel_status": 201},
        {"cancel_status": True},
        {"chunked": 1},
        {"certificate": "fine"},
        {"callback_retries": -1},
        {"partners": [{"domain": "a"}]},
        {"results_path": "/v3/results"},
        {"call_window": {"limit": 0, "seconds": 60}},
        {"call_window": {"limit": 1, "seconds": 0}},
        {"call_window": {"limit": 1}},
        {"new_request_windows": {"limit": 1, "seconds": 60}},
        {"acceleration_window": 20},
    ],
)
def test_a_switch_takes_only_its_positions(sandbox: Sandbox, change: dict[str, Any]) -> None:
    before = sandbox.switches()
    with pytest.raises(SandboxFailed, match="400"):
        sandbox.switches(callbacks=False, **change)
    assert sandbox.switches() == before


def test_reset_forgets_all_but_trust(sandbox: Sandbox) -> None:
    create(sandbox)
    sandbox.switches(result="gone")
    sandbox.faults([{"fault": "status_500"}])
    sandbox.advance(1)
    sandbox.reset()
    state = sandbox.state()
    assert (state["requests"], state["posts"], state["faults"], state["now"]) == ([], {}, [], 0)
    assert state["switches"]["result"] == "found"


def test_state_counts_calls_and_keeps_what_arrived(sandbox: Sandbox) -> None:
    identifier = create(sandbox, subject_identities={"email": raw("jane@example.org")})
    sandbox.call("GET", "/v3/requests/0")
    state = sandbox.state()
    assert state["calls"] == {"POST /v3/requests 201": 1, "GET /v3/requests/{id} 404": 1}
    assert state["requests"][0]["identities"] == {"email": "jane@example.org"}
    assert sandbox.state(identifier)["posts"] == {identifier: 1}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:443", "localhost.evil.example:1", ""])
def test_another_host_name_is_refused(sandbox: Sandbox, host: str) -> None:
    assert sandbox.call("GET", "/_sandbox/state", headers={"Host": host})[0] == 421
    assert sandbox.call("GET", "/", headers={"Host": host})[0] == 421


def test_switches_want_json_so_that_a_page_elsewhere_cannot_throw_them(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "text/plain"}
    assert sandbox.call("POST", "/_sandbox/switches", b'{"callbacks":false}', headers=headers)[0] == 400


def test_the_page_masks_identities_and_tokens(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(conflict_names_id=True)
    create(
        sandbox,
        subject_identities={"email": raw("jane@example.org"), "controller_customer_id": raw("<b>c-881")},
        status_callback_urls=[receiver.url],
    )
    sandbox.advance(15 * MINUTE)
    status, headers, body = sandbox.call("GET", "/", workspace=None)
    page = body.decode()
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "j***@e***.org" in page
    assert "conflict_names_id" in page
    for secret in ("jane@", "c-881", "<b>", "/token", "sandbox-workspace-secret", "<script", "style="):
        assert secret not in page
    assert sandbox.call("GET", "/_sandbox/page.css", workspace=None)[1]["content-type"].startswith("text/css")


def test_a_connection_serves_many_calls(sandbox: Sandbox) -> None:
    connection: http.client.HTTPSConnection = sandbox.connect()
    try:
        for _ in range(3):
            connection.request("GET", "/v3/discovery")
            response = connection.getresponse()
            assert json.loads(response.read())["api_version"] == "3.0"
            kept = connection.sock
            assert kept is not None
    finally:
        connection.close()


def test_it_imports_nothing_of_the_product() -> None:
    """The sandbox is a process of its own that knows nothing of the portal."""
    folder = Path(__file__).resolve().parents[3] / "integrations" / "sandbox"
    files = list(folder.rglob("*.py"))
    assert folder / "mparticle" / "opendsr.py" in files
    for file in files:
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]) and not words[1].startswith("integrations.sandbox"):
                root = words[1].split(".")[0]
                assert root not in ("", "django", "cases", "dsrportal", "integrations", "requests"), file.name
