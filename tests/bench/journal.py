"""A journal of requests that the sandbox was never sent: it takes them up when it starts, as it does its own."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from cases.models import ProcessorRequest
from integrations.sandbox.mparticle.lifecycle import DAY, FORWARDING_SECONDS, HOUR
from integrations.sandbox.mparticle.store import SubjectRequest

NAME = "requests.jsonl"
EXPECTED_DAYS = 21
# Virtual seconds: all were received at nought and are forwarded by now; these are begun with half a day later.
NOW = FORWARDING_SECONDS + 1.0
SOON, LATE = 12.0 * HOUR, 7.0 * DAY


def write(
    data_dir: Path, requests: Iterable[ProcessorRequest], *, received_at: datetime, soon_every: int
) -> None:
    """All of them erasures, and pending. While the sandbox does not run."""
    with (data_dir / NAME).open("w", encoding="utf-8") as file:
        file.write(json.dumps({"clock": NOW}) + "\n")
        for row in _rows(requests, received_at=received_at.isoformat(), soon_every=soon_every):
            file.write(json.dumps({"request": asdict(row), "posts": 1}) + "\n")


def _rows(
    requests: Iterable[ProcessorRequest], *, received_at: str, soon_every: int
) -> Iterator[SubjectRequest]:
    for number, request in enumerate(requests):
        yield SubjectRequest(
            workspace=request.processor.account,
            id=str(request.pk),
            type="erasure",
            regulation="gdpr",
            group_id=request.group.name if request.group else None,
            submitted_time=received_at,
            # Nobody's, but of the usual length; no answer has them.
            identities={"email": f"{request.pk.hex}@example.org"},
            extension_identities={},
            skip_waiting_period=False,
            callback_urls=[],
            content=request.pk.hex,
            received_time=received_at,
            expected_days=EXPECTED_DAYS,
            opened_at=0.0,
            starts_at=LATE if number % soon_every else SOON,
            ends_at=2 * LATE,
            forwards_at=float(FORWARDING_SECONDS),
            forwarded=True,
        )
