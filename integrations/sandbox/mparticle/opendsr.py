"""OpenDSR v3 as mParticle documents it: who may ask, what is answered, and both shapes of an error."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from integrations.sandbox.accounts import Workspace, basic_token, sent_token
from integrations.sandbox.authority import PROCESSOR_DOMAIN, Authority
from integrations.sandbox.callbacks import Courier
from integrations.sandbox.clock import Clock, stated_now
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.mparticle.bodies import controller_id, status_body
from integrations.sandbox.mparticle.engine import Engine
from integrations.sandbox.mparticle.lifecycle import FORWARDING_SECONDS, plan_for
from integrations.sandbox.mparticle.meter import Meter, OverLimit
from integrations.sandbox.mparticle.problems import Problem, in_envelope, too_many
from integrations.sandbox.mparticle.results import results_file
from integrations.sandbox.mparticle.store import Store, SubjectRequest
from integrations.sandbox.mparticle.validation import (
    MOST_IN_GROUP,
    REQUEST_TYPES,
    STANDARD_TYPES,
    UUID4,
    Invalid,
    Wanted,
    parse,
)
from integrations.sandbox.people import People
from integrations.sandbox.switches import Switchboard

CERTIFICATE_PATH = "/dsr/opendsr_cert.pem"


class OpenDsr:
    """Answers what comes in under /v3, the certificate file, and the results."""

    def __init__(
        self,
        *,
        store: Store,
        people: People,
        engine: Engine,
        clock: Clock,
        board: Switchboard,
        authority: Authority,
        courier: Courier,
        workspaces: Sequence[Workspace],
        base_url: str,
    ) -> None:
        self._store = store
        self._people = people
        self._engine = engine
        self._clock = clock
        self._board = board
        self._authority = authority
        self._courier = courier
        self._base_url = base_url
        self._by_token = {basic_token(one.key, one.secret): one.id for one in workspaces}
        self.meter = Meter()

    def answers(self, path: str) -> bool:
        return path == "/v3" or path.startswith("/v3/") or self._results_id(path) is not None

    def answer(self, call: Call) -> Answer:
        route = self._route(call)
        shape = self._board.now.error_envelope
        try:
            answer = self._answer(call, route)
        except OverLimit as full:
            answer = in_envelope(too_many(full), shape)
        except Problem as problem:
            answer = in_envelope(problem, shape)
        answer.route = route
        workspace = self._known(call)
        used = None if workspace is None else self.meter.used_percent(workspace, self._board.now)
        if used is not None:
            answer.headers["X-mp-rate-limit-percentage-used"] = str(used)
        answer.headers["X-OpenDSR-Processor-Domain"] = PROCESSOR_DOMAIN
        if self._board.now.sign_responses:
            answer.headers["X-OpenDSR-Signature"] = self._courier.signature(
                answer.body, kind=self._board.now.certificate
            )
        return answer

    def certificate(self) -> Answer:
        """Leaf, intermediate and root in one file, open to everybody."""
        bundle = self._authority.signer(self._board.now.certificate).bundle
        if bundle is None:
            return Answer(status=503, route=CERTIFICATE_PATH)
        return Answer(status=200, body=bundle, content_type="application/x-pem-file", route=CERTIFICATE_PATH)

    def _results_id(self, path: str) -> str | None:
        before, after = self._board.now.results_path.split("{id}")
        if path.startswith(before) and path.endswith(after) and len(path) > len(before) + len(after):
            identifier = path[len(before) : len(path) - len(after)]
            return identifier if UUID4.fullmatch(identifier) else None
        return None

    def _route(self, call: Call) -> str:
        """The path with its variable part named, for the log and the counters."""
        if self._results_id(call.path) is not None:
            return self._board.now.results_path
        path = call.path.rstrip("/")
        if path in ("/v3/requests", "/v3/discovery"):
            return path
        return "/v3/requests/{id}" if path.startswith("/v3/requests/") else "(unknown path)"

    def _answer(self, call: Call, route: str) -> Answer:
        switches = self._board.now
        verb = (call.method, route)
        if verb == ("GET", "/v3/discovery") and not switches.discovery_auth:
            return self._discovery()
        workspace = self._workspace(call)
        self.meter.call(workspace, switches)
        if verb == ("POST", "/v3/requests"):
            return self._create(call, workspace)
        if verb == ("GET", "/v3/requests"):
            return self._group(call, workspace)
        if verb == ("GET", "/v3/requests/{id}"):
            return self._status(call, workspace)
        if verb == ("DELETE", "/v3/requests/{id}"):
            return self._cancel(call, workspace)
        if verb == ("GET", "/v3/discovery"):
            return self._discovery()
        if verb == ("GET", switches.results_path):
            return self._results(call, workspace)
        if route == "(unknown path)":
            raise Problem(404, "Not found.")
        raise Problem(405, "Method not allowed.")

    def _workspace(self, call: Call) -> str:
        workspace = self._known(call)
        if workspace is None:
            raise Problem(401, "Unauthorized.", WWW_Authenticate='Basic realm="opendsr"')
        return workspace

    def _known(self, call: Call) -> str | None:
        return self._by_token.get(sent_token(call.headers) or "")

    def _create(self, call: Call, workspace: str) -> Answer:
        if not call.headers.get("content-type", "").lower().startswith("application/json"):
            raise Problem(400, "The content type is not application/json.")
        try:
            wanted = parse(call.body, strict_skip=self._board.now.strict_skip_waiting_period)
        except Invalid as refusal:
            raise Problem(400, str(refusal)) from None
        received_time = stated_now()
        with self._store.lock:
            self.meter.refuse_new_request(workspace, self._board.now)
            self._store.posts[wanted.id] += 1
            self._check_others(wanted, workspace)
            request = self._accept(wanted, workspace, received_time)
            self.meter.new_request(workspace, self._board.now)
        body = status_body(request, switches=self._board.now, base_url=self._base_url)
        return json_answer(
            201,
            {
                "expected_completion_time": body["expected_completion_time"],
                "received_time": received_time,
                "encoded_request": base64.b64encode(call.body).decode(),
                "subject_request_id": request.id,
                "controller_id": body["controller_id"],
            },
        )

    def _check_others(self, wanted: Wanted, workspace: str) -> None:
        if (workspace, wanted.id) in self._store.requests:
            raise Problem(400, "Subject request already exists.")
        other = self._store.open_by_content.get((workspace, wanted.content))
        if other is not None:
            named = f" Its subject_request_id is {other}." if self._board.now.conflict_names_id else ""
            raise Problem(409, "A request with the same identities and type is in progress." + named)
        if wanted.group_id is None:
            return
        if len(self._store.groups.get((workspace, wanted.group_id), ())) >= MOST_IN_GROUP:
            raise Problem(400, f"A group takes at most {MOST_IN_GROUP} requests.")

    def _accept(self, wanted: Wanted, workspace: str, received_time: str) -> SubjectRequest:
        plan = plan_for(wanted.type, skip_waiting_period=wanted.skip_waiting_period)
        now = self._clock.now()
        request = SubjectRequest(
            workspace=workspace,
            id=wanted.id,
            type=wanted.type,
            regulation=wanted.regulation,
            group_id=wanted.group_id,
            submitted_time=wanted.submitted_time,
            identities=wanted.identities,
            extension_identities=wanted.extension_identities,
            skip_waiting_period=wanted.skip_waiting_period,
            callback_urls=wanted.callback_urls,
            content=wanted.content,
            received_time=received_time,
            expected_days=plan.expected_days,
            opened_at=now,
            starts_at=now + plan.starts_after,
            ends_at=now + plan.ends_after,
            forwards_at=now + FORWARDING_SECONDS,
        )
        self._store.add(request)
        self._engine.opened(request)
        self._people.who(workspace, request.all_identities)
        return request

    def _find(self, identifier: str, workspace: str) -> SubjectRequest:
        request = self._store.requests.get((workspace, identifier))
        if request is None:
            raise Problem(404, "Subject request not found.")
        return request

    def _status(self, call: Call, workspace: str) -> Answer:
        with self._store.lock:
            request = self._find(call.path.rstrip("/").removeprefix("/v3/requests/"), workspace)
            return json_answer(200, status_body(request, switches=self._board.now, base_url=self._base_url))

    def _group(self, call: Call, workspace: str) -> Answer:
        group_id = call.query.get("group_id")
        if not group_id:
            raise Problem(400, "The parameter 'group_id' is required.")
        with self._store.lock:
            keys = self._store.groups.get((workspace, group_id), [])
            if not keys and self._board.now.unknown_group == "404":
                raise Problem(404, "Group not found.")
            rows = [
                status_body(self._store.requests[key], switches=self._board.now, base_url=self._base_url)
                for key in keys
            ]
        return json_answer(200, rows)

    def _cancel(self, call: Call, workspace: str) -> Answer:
        with self._store.lock:
            request = self._find(call.path.rstrip("/").removeprefix("/v3/requests/"), workspace)
            if request.status != "pending":
                raise Problem(self._board.now.cancel_late_status, "Only a pending request can be cancelled.")
            self._engine.cancelled(request)
        if self._board.now.cancel_status == 204:
            return Answer(status=204)
        return json_answer(
            self._board.now.cancel_status,
            {
                "expected_completion_time": None,
                "received_time": stated_now(),
                "subject_request_id": request.id,
                "controller_id": controller_id(request, self._board.now),
            },
        )

    def _discovery(self) -> Answer:
        """Lists the standard types alone; the extension's types never appear there."""
        certificate = self._board.now.discovery_certificate_url or self._base_url + CERTIFICATE_PATH
        return json_answer(
            200,
            {
                "api_version": "3.0",
                "supported_identities": [
                    {"identity_type": name, "identity_format": "raw"} for name in STANDARD_TYPES
                ],
                "supported_subject_request_types": list(REQUEST_TYPES),
                "processor_certificate": certificate,
            },
        )

    def _results(self, call: Call, workspace: str) -> Answer:
        """404 says that nobody matched; 410 that the seven days are over."""
        with self._store.lock:
            request = self._find(self._results_id(call.path) or "", workspace)
        kind = self._board.now.result
        if request.completed_at is None or request.type == "erasure":
            raise Problem(404, "No results.")
        if kind == "nobody" or (kind == "found" and request.found is None):
            raise Problem(404, "No results.")
        if kind == "gone" or self._clock.now() > request.completed_at + self._board.now.result_seconds:
            raise Problem(410, "The results have expired.")
        return Answer(status=200, body=results_file(request, kind), content_type="application/zip")
