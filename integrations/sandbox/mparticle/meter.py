"""Meters the calls of a workspace over sliding windows of real time, exact to the call."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Any

from integrations.sandbox.switches import Values


class OverLimit(Exception):
    """A window is full. `scope` is the vendor's word for whose it is."""

    def __init__(self, *, wait_seconds: int, scope: str) -> None:
        super().__init__(scope)
        self.wait_seconds = wait_seconds
        self.scope = scope


class Meter:
    """Calls of any kind, the refused ones not counted, and the new requests that were accepted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamps: dict[tuple[str, str, float], deque[float]] = {}

    def call(self, workspace: str, switches: Values) -> None:
        """Count a call. Raises OverLimit."""
        windows = [("acceleration", switches.acceleration_window), ("workspace", switches.call_window)]
        kept = [(scope, window) for scope, window in windows if window is not None]
        with self._lock:
            now = time.monotonic()
            for scope, window in kept:
                self._refuse_if_full(workspace, "calls", window, now, scope)
            # The two may be of one length, and then are one window.
            for seconds in {window["seconds"] for _, window in kept}:
                self._counted(workspace, "calls", seconds, now).append(now)

    def refuse_new_request(self, workspace: str, switches: Values) -> None:
        """Raises OverLimit where a window of new requests is full."""
        with self._lock:
            now = time.monotonic()
            for window in switches.new_request_windows:
                self._refuse_if_full(workspace, "new requests", window, now, "workspace")

    def new_request(self, workspace: str, switches: Values) -> None:
        """Count one that was accepted."""
        with self._lock:
            now = time.monotonic()
            for seconds in {window["seconds"] for window in switches.new_request_windows}:
                self._counted(workspace, "new requests", seconds, now).append(now)

    def used_percent(self, workspace: str, switches: Values) -> int | None:
        """Of the window that is fullest; None where nothing is limited."""
        windows = [("new requests", window) for window in switches.new_request_windows]
        if switches.call_window is not None:
            windows.append(("calls", switches.call_window))
        with self._lock:
            now = time.monotonic()
            return max(
                (
                    len(self._counted(workspace, what, window["seconds"], now)) * 100 // window["limit"]
                    for what, window in windows
                ),
                default=None,
            )

    def reset(self) -> None:
        with self._lock:
            self._stamps.clear()

    def _refuse_if_full(
        self, workspace: str, what: str, window: dict[str, Any], now: float, scope: str
    ) -> None:
        stamps = self._counted(workspace, what, window["seconds"], now)
        if len(stamps) >= window["limit"]:
            opens_at = stamps[len(stamps) - window["limit"]] + window["seconds"]
            raise OverLimit(wait_seconds=max(1, math.ceil(opens_at - now)), scope=scope)

    def _counted(self, workspace: str, what: str, seconds: float, now: float) -> deque[float]:
        stamps = self._stamps.setdefault((workspace, what, seconds), deque())
        while stamps and stamps[0] <= now - seconds:
            stamps.popleft()
        return stamps
