"""The JSON that mParticle says of a request: in answers and, slightly different, in callbacks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.sandbox.authority import PROCESSOR_DOMAIN
from integrations.sandbox.messages import dump
from integrations.sandbox.mparticle.lifecycle import expected_completion
from integrations.sandbox.mparticle.store import Queued, SubjectRequest
from integrations.sandbox.switches import Values


def controller_id(request: SubjectRequest, switches: Values) -> str:
    return switches.controller_id or request.workspace


def expected_time(request: SubjectRequest, switches: Values) -> str | None:
    """Null once cancelled, as in the documented answer to DELETE."""
    if request.status == "cancelled":
        return None
    received = datetime.fromisoformat(request.received_time)
    return expected_completion(received, request.expected_days, switches.expected_completion)


def results_url(request: SubjectRequest, status: str, *, switches: Values, base_url: str) -> str | None:
    """Null until completed, and always for an erasure."""
    if status != "completed" or request.type == "erasure":
        return None
    return base_url + switches.results_path.replace("{id}", request.id)


def extensions(request: SubjectRequest, *, forwarded: bool, switches: Values) -> Any:
    """The forwarding state of an erasure, in one of the shapes seen or guessed; live examples have null."""
    shape = switches.extensions_shape
    if shape == "null":
        return None
    if request.type != "erasure":
        return [] if shape == "empty_list" else None
    rows: list[dict[str, Any]] = []
    for partner in switches.partners:
        row = {"domain": partner["domain"], "name": partner["name"], "status": partner["status"]}
        row["status_message"] = partner.get("status_message")
        if not forwarded:
            row.update(status="pending", status_message=None)
        rows.append(row)
    if shape == "empty_list":
        return []
    if shape == "list":
        return rows
    if shape == "by_domain":
        return {row["domain"]: row for row in rows}
    return {PROCESSOR_DOMAIN: {"distribution_status": rows}}


def status_body(request: SubjectRequest, *, switches: Values, base_url: str) -> dict[str, Any]:
    """The answer to `GET /requests/{id}`, and one element of a group."""
    return {
        "controller_id": controller_id(request, switches),
        "expected_completion_time": expected_time(request, switches),
        "subject_request_id": request.id,
        "group_id": request.group_id,
        "request_status": request.status,
        "api_version": "3.0",
        "results_url": results_url(request, request.status, switches=switches, base_url=base_url),
        "extensions": extensions(request, forwarded=request.forwarded, switches=switches),
    }


def callback_body(request: SubjectRequest, queued: Queued, *, switches: Values, base_url: str) -> bytes:
    """Shape and order of a callback received in June 2025: no `api_version`, but `status_callback_url`."""
    return dump(
        {
            "controller_id": controller_id(request, switches),
            "expected_completion_time": expected_time(request, switches),
            "status_callback_url": queued.url,
            "subject_request_id": request.id,
            "request_status": switches.callback_status or queued.status,
            "results_url": results_url(request, queued.status, switches=switches, base_url=base_url),
            "extensions": extensions(request, forwarded=queued.forwarded, switches=switches),
        }
    )
