"""Switches for what the vendor does not document, or documents twice, changed while the sandbox runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from integrations.sandbox.mparticle.lifecycle import RESULT_SECONDS

PARTNER_STATUSES = ("pending", "skipped", "sent", "failed", "in_progress", "completed")


def demo_partners() -> list[dict[str, Any]]:
    """Four partners with DSR forwarding (docs.mparticle.com, integrations with a "forwarding-dsr" page)."""
    return [
        {"domain": "amplitude.com", "name": "Amplitude", "status": "sent", "status_message": None},
        {"domain": "braze.com", "name": "Braze", "status": "sent", "status_message": None},
        {"domain": "kochava.com", "name": "Kochava", "status": "skipped", "status_message": "no device id"},
        {"domain": "mixpanel.com", "name": "Mixpanel", "status": "sent", "status_message": None},
    ]


@dataclass(frozen=True)
class Values:
    """The switches in force. Durations are virtual seconds, except `latency_ms`."""

    # The answers of /v3.
    cancel_status: int = 202
    cancel_late_status: int = 400
    conflict_names_id: bool = False
    unknown_group: str = "empty"
    results_path: str = "/v3/requests/{id}/results"
    extensions_shape: str = "distribution_status"
    error_envelope: str = "flat"
    expected_completion: str = "midnight"
    strict_skip_waiting_period: bool = True
    discovery_auth: bool = False
    discovery_certificate_url: str | None = None
    controller_id: str | None = None
    result: str = "found"
    result_seconds: int = RESULT_SECONDS
    # Who exists: "known" takes whoever is asked about for one who does, "unknown" only whoever was put there.
    strangers: str = "known"
    # Types that alone lead to whoever has one of them, by OpenDSR's names: an identity strategy with login ids.
    login_identities: list[str] = field(default_factory=list)
    sign_responses: bool = False
    # The other parts: IDSync, Events, SSO, Platform, Leanplum.
    identity_errors: str = "capital"
    empty_batch: int = 400
    oauth_seconds: int = 28_800
    oauth_clock: str = "real"
    oauth_refusal: int = 401
    platform_shape: str = "envelope"
    leanplum_answer: str = "normal"
    leanplum_blocked: str = "shell"
    leanplum_erasure_seconds: int = 0  # up to fifteen days, they say
    # Limits, each {"limit": …, "seconds": …} of real time: calls of any method, how fast they may set in, new requests.
    call_window: dict[str, Any] | None = None
    acceleration_window: dict[str, Any] | None = None
    new_request_windows: list[dict[str, Any]] = field(default_factory=list)
    latency_ms: int = 0
    # What happens to a request.
    uses_in_progress: bool = True
    partners: list[dict[str, Any]] = field(default_factory=demo_partners)
    # Callbacks.
    callbacks: bool = True
    callback_batch_seconds: int = 900
    callback_retries: int = 3
    callback_duplicates: int = 0
    callback_shuffle: bool = False
    callback_signature: str = "good"
    callback_status: str | None = None
    chunked: bool = True
    certificate: str = "good"


class BadSwitch(ValueError):
    """A switch that does not exist, or a value it does not take."""


def _one_of(*choices: object) -> Callable[[object], bool]:
    return lambda value: any(value == choice and type(value) is type(choice) for choice in choices)


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _window(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != {"limit", "seconds"}:
        return False
    seconds = value["seconds"]
    return (
        _count(value["limit"])
        and value["limit"] > 0
        and isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and seconds > 0
    )


def _text_or_null(value: object) -> bool:
    return value is None or (isinstance(value, str) and value != "")


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and text for text in value)


def _results_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and value.count("{id}") == 1


def _partners(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict)
        and set(row) <= {"domain", "name", "status", "status_message"}
        and isinstance(row.get("domain"), str)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("status"), str)
        and isinstance(row.get("status_message"), str | None)
        for row in value
    )


TAKES: dict[str, Callable[[object], bool]] = {
    "cancel_status": _one_of(200, 202, 204),
    "cancel_late_status": _one_of(400, 409),
    "conflict_names_id": _boolean,
    "unknown_group": _one_of("empty", "404"),
    "results_path": _results_path,
    "extensions_shape": _one_of("null", "list", "distribution_status", "by_domain", "empty_list"),
    "error_envelope": _one_of("flat", "nested", "empty", "html"),
    "expected_completion": _one_of("midnight", "six_digits", "seven_digits", "naive", "null"),
    "strict_skip_waiting_period": _boolean,
    "discovery_auth": _boolean,
    "discovery_certificate_url": _text_or_null,
    "controller_id": _text_or_null,
    "result": _one_of(
        "found", "nobody", "empty", "no_profile", "not_zip", "gone", "foreign", "bomb", "slip", "junk",
    ),
    "result_seconds": _count,
    "strangers": _one_of("known", "unknown"),
    "login_identities": _texts,
    "sign_responses": _boolean,
    "identity_errors": _one_of("capital", "lower", "bare", "html"),
    "empty_batch": _one_of(400, 202),
    "oauth_seconds": _count,
    "oauth_clock": _one_of("real", "virtual"),
    "oauth_refusal": _one_of(401, 403),
    "platform_shape": _one_of("envelope", "bare", "integer_ids", "errors"),
    "leanplum_answer": _one_of(
        "normal", "warning", "error", "missing", "wrong_length", "html", "rate_limited",
    ),
    "leanplum_blocked": _one_of("shell", "not_found", "451"),
    "leanplum_erasure_seconds": _count,
    "call_window": lambda value: value is None or _window(value),
    "acceleration_window": lambda value: value is None or _window(value),
    "new_request_windows": lambda value: isinstance(value, list) and all(map(_window, value)),
    "latency_ms": _count,
    "uses_in_progress": _boolean,
    "partners": _partners,
    "callbacks": _boolean,
    "callback_batch_seconds": _count,
    "callback_retries": _count,
    "callback_duplicates": _count,
    "callback_shuffle": _boolean,
    "callback_signature": _one_of("good", "tampered", "pss", "other_key", "missing"),
    "callback_status": _text_or_null,
    "chunked": _boolean,
    "certificate": _one_of(
        "good", "expired", "wrong_name", "wildcard", "untrusted", "rsa1024", "client_auth_only",
        "unavailable", "not_pem", "rotated",
    ),
}  # fmt: skip


class Switchboard:
    """Holds the values in force; readers take `now`, a frozen whole, so no answer mixes two settings."""

    def __init__(self) -> None:
        self.now = Values()
        self._lock = threading.Lock()

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Apply all changes or none. Raises BadSwitch with a sentence."""
        for name, value in changes.items():
            takes = TAKES.get(name)
            if takes is None:
                raise BadSwitch(f"There is no switch {name!r}.")
            if not takes(value):
                raise BadSwitch(f"The switch {name!r} does not take {value!r}.")
        with self._lock:
            self.now = replace(self.now, **changes)

    def reset(self) -> None:
        with self._lock:
            self.now = Values()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self.now)

    def changed(self) -> dict[str, Any]:
        """The switches that differ from the default."""
        standard = Values()
        return {
            item.name: getattr(self.now, item.name)
            for item in fields(Values)
            if getattr(self.now, item.name) != getattr(standard, item.name)
        }
