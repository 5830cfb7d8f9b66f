"""Waiting until nothing is left to do, on a database that may be away for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, connection

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, CallbackDelivery, Case, ProcessorRequest, Verdict
from tests.faults.portal import Portal, PortalFailed
from tests.sandbox import Sandbox

Answer = TypeVar("Answer")
LOOK_SECONDS = 0.5
TELL_SECONDS = 10.0


def patiently(ask: Callable[[], Answer], *, seconds: float = 60) -> Answer:
    """Ask the database, again on a fresh connection where it went away."""
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except Error:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)


def left_to_do() -> dict[str, int]:
    """What still moves, by name; empty when all is settled."""
    requests = ProcessorRequest.objects
    counts = {
        "requests not completed": requests.exclude(status=RequestStatus.COMPLETED).count(),
        "leases held": requests.filter(lease_until__isnull=False).count(),
        "cases not in review": Case.objects.exclude(status=CaseStatus.REVIEW).count(),
        "attention items open": AttentionItem.objects.filter(resolved_at__isnull=True).count(),
        "deliveries not applied": CallbackDelivery.objects.filter(verdict=Verdict.RECEIVED).count(),
    }
    return {name: count for name, count in counts.items() if count}


def await_settled(portal: Portal, sandbox: Sandbox, *, until: float) -> dict[str, int]:
    """Wait for that, no longer than `until` (monotonic), telling now and then how it goes; what was left then."""
    began = told_at = time.monotonic()
    while True:
        left = patiently(left_to_do)
        waiting = sum(row["callbacks_waiting"] for row in sandbox.state()["requests"]) if not left else 0
        if waiting:
            left["callbacks not attempted yet"] = waiting
        now = time.monotonic()
        if not left or now > until:
            return left
        if now - told_at > TELL_SECONDS:
            what = ", ".join(f"{count} {name}" for name, count in left.items())
            print(f"  {now - began:3.0f} s after the faults: {what}", flush=True)
            told_at = now
        if not portal.alive():
            raise PortalFailed("The portal ended by itself: " + portal.last_words())
        time.sleep(LOOK_SECONDS)
