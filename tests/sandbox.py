"""Starts the pretend mParticle and Leanplum for a test and moves its switches.

    with running_sandbox(tmp_path) as sandbox:
        sandbox.switches(cancel_status=204)
        ... call sandbox.url with sandbox.workspaces[0]["key"], trusting sandbox.root_pem ...
        deliveries = sandbox.advance(15 * 60)

Time stands still (`--speed 0`) unless arguments say otherwise: `advance` moves it and answers when every callback
that fell due was attempted. Standard library only.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_REPOSITORY = Path(__file__).resolve().parent.parent


class SandboxFailed(RuntimeError):
    """The process did not start, or refused an order."""


class Sandbox:
    """One sandbox process. `data_dir` keeps its certificates, its requests and its log (`sandbox.log`)."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.data_dir = Path(data_dir)
        self.arguments = arguments
        self.url = ""
        self.root_pem = ""
        self.root_path = Path()
        self.workspaces: list[dict[str, str]] = []
        self.oauth: dict[str, str] = {}
        self.leanplum: list[dict[str, str]] = []
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Sandbox:
        """Start it and wait until it answers; after a stop it comes back on the same port."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "integrations.sandbox", "--data-dir", str(self.data_dir)]
        command += ["--port", self._port, "--speed", "0", "--exit-with-stdin", *self.arguments]
        with (self.data_dir / "sandbox.log").open("a") as log:
            self._process = subprocess.Popen(
                command,
                cwd=_REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise SandboxFailed(self.log()[-2000:])
        ready = json.loads(line)
        self.url = ready["url"]
        self._port = str(urlsplit(self.url).port)
        self.root_path = Path(ready["root_pem"])
        self.root_pem = self.root_path.read_text()
        self.workspaces = ready["workspaces"]
        self.oauth = ready["oauth"]
        self.leanplum = ready["leanplum"]
        return self

    def stop(self, *, kill: bool = False) -> int | None:
        """End the process and give its exit status; `kill` gives it no chance to tidy up."""
        process, self._process = self._process, None
        if process is None:
            return None
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            status = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.data_dir / "sandbox.log").read_text()

    def switches(self, **changes: Any) -> dict[str, Any]:
        """Change switches; answers all of them."""
        result: dict[str, Any] = self._order("POST", "switches", changes)
        return result

    def faults(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Order faults: `[{"method": "POST", "path": "/v3/requests", "fault": "reset_after"}]`."""
        self._order("POST", "faults", list(orders))

    def clear_faults(self) -> None:
        self._order("DELETE", "faults")

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Let virtual seconds pass; answers the callbacks attempted, with the status each was given."""
        deliveries: list[dict[str, Any]] = self._order("POST", "advance", {"seconds": seconds})["deliveries"]
        return deliveries

    def state(self, request_id: str | None = None) -> dict[str, Any]:
        """Requests, POST counts, calls, callbacks, faults; of one request if its id is given."""
        result: dict[str, Any] = self._order("GET", f"state?id={request_id}" if request_id else "state")
        return result

    def reset(self) -> None:
        """Forget requests, switches and faults; virtual time starts at nought. Certificates stay."""
        self._order("POST", "reset", {})

    def person(
        self,
        identities: Mapping[str, str],
        *,
        workspace: int = 0,
        app: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        consent_state: Mapping[str, Any] | None = None,
        events: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Put a person there, or give one who is known new data; answers the mpid, or in an app the user id.

        Identities go by OpenDSR's names, `mpid` may be among them. In an app the first is the user id. An event is
        `{"event_type": "custom_event", "month": "2025-11"}`, or has `data` as in a batch. Whoever was erased is back.
        """
        order = {
            "identities": dict(identities),
            "attributes": dict(attributes or {}),
            "consent_state": dict(consent_state or {}),
            "events": [dict(event) for event in events],
            **({"workspace": workspace} if app is None else {"app": app}),
        }
        identifier: str = self._order("POST", "people", order)["id"]
        return identifier

    def people(self, **only: str | None) -> list[dict[str, Any]]:
        """Everybody known: workspace or app, id, identities, attributes, consent_state, events, invented, blocked.

        `people(workspace="4302")` and `people(app="app_sandbox")` give those of one place.
        """
        known: list[dict[str, Any]] = self._order("GET", "people")["people"]
        return [row for row in known if all(row[name] == value for name, value in only.items())]

    def batches(self) -> list[dict[str, Any]]:
        """The event batches taken, as they were sent; `taken` says what became of each: workspace, mpid, whether it
        `created` the profile, and `repeats`, how often one with its source_request_id came again and was dropped."""
        taken: list[dict[str, Any]] = self._order("GET", "people")["batches"]
        return taken

    def asked(self, part: str | None = None, verb: str | None = None) -> list[dict[str, Any]]:
        """What IDSync ("identity"), "sso", "platform" and "leanplum" were asked: part, verb, account, content."""
        rows: list[dict[str, Any]] = self._order("GET", "people")["asked"]
        return [row for row in rows if part in (None, row["part"]) and verb in (None, row["verb"])]

    def callback(
        self,
        url: str,
        body: Mapping[str, Any] | str,
        *,
        sign: str = "good",
        headers: Mapping[str, str | None] | None = None,
        chunked: bool = True,
    ) -> dict[str, Any]:
        """Send one crafted callback now; answers its `status` or `error`. A header of None is left out."""
        order = {"url": url, "body": body, "sign": sign, "headers": dict(headers or {}), "chunked": chunked}
        result: dict[str, Any] = self._order("POST", "callbacks", order)
        return result

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        workspace: int | None = 0,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Speak to it over its own HTTPS: status, headers (names in lower case) and body.

        `workspace` picks the credentials, None sends none. A body that is not bytes goes out as JSON.
        """
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if workspace is not None:
            chosen = self.workspaces[workspace]
            token = base64.b64encode(f"{chosen['key']}:{chosen['secret']}".encode()).decode()
            sent["Authorization"] = f"Basic {token}"
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self.connect()
        try:
            connection.request(method, path, raw, {**sent, **(headers or {})})
            response = connection.getresponse()
            return (
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPSConnection:
        parts = urlsplit(self.url)
        context = ssl.create_default_context(cadata=self.root_pem)
        return http.client.HTTPSConnection("localhost", parts.port, timeout=120, context=context)

    def _order(self, method: str, name: str, body: Any = None) -> Any:
        status, _, answer = self.call(method, f"/_sandbox/{name}", body, workspace=None)
        if status != 200:
            raise SandboxFailed(f"{status} {answer.decode(errors='replace')}")
        return json.loads(answer)


@contextmanager
def running_sandbox(data_dir: Path, *arguments: str) -> Iterator[Sandbox]:
    """A sandbox for the length of a `with` block. The arguments go to its command line."""
    sandbox = Sandbox(data_dir, *arguments)
    try:
        yield sandbox.start()
    finally:
        sandbox.stop()
