"""What a network can do, on order."""

import http.client
import json
import socket
import time
from typing import Any

import pytest

from tests.sandbox import Sandbox, SandboxFailed

from .bodies import a_request, create


def order(sandbox: Sandbox, fault: str, **more: Any) -> None:
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": fault, **more}])


def read_all(wire: socket.socket) -> None:
    while wire.recv(4096):
        pass


@pytest.mark.parametrize(("fault", "arrives"), [("reset_before", False), ("reset_after", True)])
def test_a_connection_is_reset_before_or_after_the_work(sandbox: Sandbox, fault: str, arrives: bool) -> None:
    order(sandbox, fault)
    body = a_request()
    with pytest.raises(ConnectionError):
        sandbox.call("POST", "/v3/requests/", body)
    expected = 200 if arrives else 404
    assert sandbox.call("GET", f"/v3/requests/{body['subject_request_id']}")[0] == expected
    assert sandbox.call("POST", "/v3/requests", body)[0] == (400 if arrives else 201)


def test_a_reset_is_one_on_the_wire(sandbox: Sandbox) -> None:
    """Python's ssl reports an orderly close and a reset alike, so this looks underneath it."""
    sandbox.faults([{"path": "/v3/discovery", "fault": "reset_before"}])
    connection = sandbox.connect()
    connection.request("GET", "/v3/discovery")
    assert connection.sock is not None
    with socket.socket(fileno=connection.sock.detach()) as wire:
        wire.settimeout(10)
        with pytest.raises(ConnectionResetError, match="reset by peer"):
            read_all(wire)


@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_a_status_comes_without_the_work(sandbox: Sandbox, status: int) -> None:
    order(sandbox, f"status_{status}", times=2)
    answers = [sandbox.call("POST", "/v3/requests", a_request()) for _ in range(3)]
    assert [answer[0] for answer in answers] == [status, status, 201]
    assert ("retry-after" in answers[0][1]) is (status == 429)
    assert len(sandbox.state()["requests"]) == 1


def test_a_429_may_lack_its_retry_after(sandbox: Sandbox) -> None:
    order(sandbox, "status_429_no_retry_after")
    status, headers, _ = sandbox.call("POST", "/v3/requests", a_request())
    assert status == 429
    assert "retry-after" not in headers


def test_a_gateway_may_time_out_after_the_work(sandbox: Sandbox) -> None:
    order(sandbox, "status_504", process=True)
    assert sandbox.call("POST", "/v3/requests", a_request())[0] == 504
    assert len(sandbox.state()["requests"]) == 1


def test_an_answer_is_cut_short_after_the_work(sandbox: Sandbox) -> None:
    order(sandbox, "truncated")
    with pytest.raises((http.client.IncompleteRead, OSError)):
        sandbox.call("POST", "/v3/requests", a_request())
    assert len(sandbox.state()["requests"]) == 1


@pytest.mark.parametrize("fault", ["malformed", "html", "empty"])
def test_an_answer_is_not_the_json_expected(sandbox: Sandbox, fault: str) -> None:
    order(sandbox, fault)
    _, _, body = sandbox.call("POST", "/v3/requests", a_request())
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)


def test_slow_is_slow(sandbox: Sandbox) -> None:
    order(sandbox, "slow", seconds=0.2)
    began = time.monotonic()
    create(sandbox)
    assert time.monotonic() - began >= 0.2


def test_a_fault_fits_its_method_and_path_alone(sandbox: Sandbox) -> None:
    sandbox.faults([{"method": "GET", "path": "/v3/requests/*", "fault": "status_500", "times": None}])
    identifier = create(sandbox)
    assert sandbox.call("GET", f"/v3/requests/{identifier}")[0] == 500
    assert sandbox.call("GET", f"/v3/requests/{identifier}")[0] == 500
    assert sandbox.call("GET", "/v3/discovery")[0] == 200
    sandbox.clear_faults()
    assert sandbox.call("GET", f"/v3/requests/{identifier}")[0] == 200
    assert [row["fault"] for row in sandbox.state()["struck"]] == ["status_500"] * 2
    assert sandbox.state()["struck_counts"] == {"status_500": 2}


def test_the_certificate_file_can_fail_too(sandbox: Sandbox) -> None:
    sandbox.faults([{"path": "/dsr/opendsr_cert.pem", "fault": "status_502"}])
    assert sandbox.call("GET", "/dsr/opendsr_cert.pem")[0] == 502


def test_chance_is_respected_at_its_ends(sandbox: Sandbox) -> None:
    order(sandbox, "status_500", probability=0.0, times=None)
    create(sandbox)
    order(sandbox, "status_502", probability=1.0)
    assert sandbox.call("POST", "/v3/requests", a_request())[0] == 502


@pytest.mark.parametrize(
    "row",
    [
        {"fault": "unheard_of"},
        {"fault": "slow", "times": 0},
        {"fault": "slow", "colour": 1},
        {"times": 1},
        "slow",
    ],
)
def test_an_order_that_makes_no_sense_is_refused(sandbox: Sandbox, row: Any) -> None:
    with pytest.raises(SandboxFailed, match="400"):
        sandbox.faults([row])
    assert sandbox.state()["faults"] == []
