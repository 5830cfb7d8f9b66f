"""Time that only `advance` moves: statuses, results, and what a restart keeps."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox, running_sandbox

from .bodies import DAY, MINUTE, create, extension, raw, read
from .receiver import Receiver


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def statuses(sandbox: Sandbox, identifier: str) -> list[tuple[str, float]]:
    (request,) = sandbox.state(identifier)["requests"]
    return [(entry["status"], entry["at"]) for entry in request["history"]]


@pytest.mark.parametrize(
    ("changes", "starts", "ends"),
    [
        ({}, 7 * DAY, 14 * DAY),
        ({"extensions": extension(skip_waiting_period=True)}, DAY / 2, 7 * DAY),
        ({"subject_request_type": "access"}, DAY, 2 * DAY),
        ({"subject_request_type": "portability"}, DAY, 2 * DAY),
    ],
)
def test_a_request_takes_the_documented_time(
    sandbox: Sandbox, changes: dict[str, Any], starts: float, ends: float
) -> None:
    identifier = create(sandbox, **changes)
    sandbox.advance(starts - 1)
    assert read(sandbox, identifier)["request_status"] == "pending"
    sandbox.advance(1)
    assert read(sandbox, identifier)["request_status"] == "in_progress"
    sandbox.advance(21 * DAY)
    assert statuses(sandbox, identifier) == [("pending", 0), ("in_progress", starts), ("completed", ends)]


def test_in_progress_may_be_left_out(sandbox: Sandbox) -> None:
    sandbox.switches(uses_in_progress=False)
    identifier = create(sandbox)
    sandbox.advance(21 * DAY)
    assert [status for status, _ in statuses(sandbox, identifier)] == ["pending", "completed"]


def test_at_speed_nought_nothing_moves_by_itself(sandbox: Sandbox) -> None:
    create(sandbox)
    assert sandbox.state()["now"] == 0
    sandbox.advance(12.5)
    assert sandbox.state()["now"] == 12.5


def test_time_can_run_by_itself(tmp_path: Path, receiver: Receiver) -> None:
    with running_sandbox(tmp_path, "--speed", "20000000") as sandbox:
        identifier = create(sandbox, status_callback_urls=[receiver.url])
        wait_until(lambda: len(sandbox.state(identifier)["callbacks"]) == 3)
        assert read(sandbox, identifier)["request_status"] == "completed"


def completed_access(sandbox: Sandbox) -> str:
    identifier = create(
        sandbox, subject_request_type="access", subject_identities={"controller_customer_id": raw("c-881")}
    )
    sandbox.advance(2 * DAY)
    url: str = read(sandbox, identifier)["results_url"]
    assert url.startswith(f"{sandbox.url}/v3/")
    return url.removeprefix(sandbox.url)


def test_results_are_a_zip_behind_basic(sandbox: Sandbox) -> None:
    path = completed_access(sandbox)
    assert sandbox.call("GET", path, workspace=None)[0] == 401
    assert sandbox.call("GET", path, workspace=1)[0] == 404
    status, headers, body = sandbox.call("GET", path)
    assert (status, headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert any(name.startswith("__MACOSX/._") for name in archive.namelist())
    profile = json.loads(archive.read("profile.jsonl"))
    assert {"type": "customer_id", "encoding": "raw", "value": "c-881"} in profile["user_identities"]
    events = archive.read("events-2026-01.jsonl")
    assert not events.endswith(b"\n")
    assert [json.loads(line)["environment"] for line in events.splitlines()] == ["production"] * 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("nobody", 404), ("gone", 410), ("not_zip", 200), ("empty", 200), ("no_profile", 200)],
)
def test_results_of_other_kinds(sandbox: Sandbox, kind: str, expected: int) -> None:
    sandbox.switches(result=kind, results_path="/v3/files/{id}.zip")
    status, _, body = sandbox.call("GET", completed_access(sandbox))
    assert status == expected
    if kind == "not_zip":
        assert not zipfile.is_zipfile(io.BytesIO(body))
    elif kind in ("empty", "no_profile"):
        names = zipfile.ZipFile(io.BytesIO(body)).namelist()
        assert "profile.jsonl" not in names
        assert ("empty.txt" in names) is (kind == "empty")


def test_results_are_gone_after_seven_days(sandbox: Sandbox) -> None:
    path = completed_access(sandbox)
    sandbox.advance(7 * DAY)
    assert sandbox.call("GET", path)[0] == 200
    sandbox.advance(1)
    assert sandbox.call("GET", path)[0] == 410


@pytest.mark.parametrize("kill", [False, True])
def test_a_restart_keeps_requests_trust_time_and_unsent_callbacks(
    tmp_path: Path, receiver: Receiver, kill: bool
) -> None:
    with running_sandbox(tmp_path) as sandbox:
        root, url = sandbox.root_pem, sandbox.url
        identifier = create(sandbox, group_id="case-1", status_callback_urls=[receiver.url])
        sandbox.advance(15 * MINUTE)
        sandbox.advance(7 * DAY - 15 * MINUTE)
        before = read(sandbox, identifier)
        certificate = sandbox.call("GET", "/dsr/opendsr_cert.pem")[2]
        wait_until(lambda: "in_progress" in (tmp_path / "requests.jsonl").read_text())
        sandbox.stop(kill=kill)
        sandbox.start()
        assert (sandbox.root_pem, sandbox.url) == (root, url)
        assert read(sandbox, identifier) == before
        assert sandbox.call("GET", "/dsr/opendsr_cert.pem")[2] == certificate
        assert sandbox.state()["now"] == 7 * DAY
        sandbox.advance(15 * MINUTE)
        assert [json.loads(got.body)["request_status"] for got in receiver.received] == [
            "pending",
            "in_progress",
        ]
        sandbox.advance(7 * DAY)
        assert read(sandbox, identifier)["request_status"] == "completed"


def test_it_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        create(sandbox)
        assert sandbox.stop() == 0
        assert "Traceback" not in sandbox.log()


def test_the_log_names_calls_and_no_identities(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        create(sandbox, subject_identities={"email": raw("jane@example.org")})
        sandbox.call("GET", "/v3/requests?group_id=jane@example.org")
        sandbox.call("GET", "/v3/requests/jane@example.org")
        sandbox.call("GET", "/jane@example.org")
        sandbox.stop()
        assert "POST /v3/requests 201" in sandbox.log()
        assert "jane" not in sandbox.log()
