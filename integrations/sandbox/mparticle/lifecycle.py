"""Lifecycle of a request in virtual seconds: when it moves on, and which day is stated for it. Pure.

The durations are those of docs.mparticle.com "Data Subject Requests": erasure waits 7 days and is done 7 to
21 days after receipt; with `skip_waiting_period` it waits under one day and is done within 1 to 14; access
and portability start at the next batch and take about two days. The real batches run on Mondays and
Thursdays; here the next one is always a day away, so that a test does not depend on the weekday.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FORWARDING_SECONDS = 15 * MINUTE
RESULT_DAYS = 7
RESULT_SECONDS = RESULT_DAYS * DAY

OPEN = frozenset({"pending", "in_progress"})


@dataclass(frozen=True)
class Plan:
    """Virtual seconds after receipt at which work starts and ends, and the days stated as the expectation."""

    starts_after: int
    ends_after: int
    expected_days: int


_ERASURE = Plan(starts_after=7 * DAY, ends_after=14 * DAY, expected_days=21)
_ERASURE_AT_ONCE = Plan(starts_after=12 * HOUR, ends_after=7 * DAY, expected_days=14)
# The guide states the scheduled time plus a margin of 48 hours.
_ACCESS = Plan(starts_after=1 * DAY, ends_after=2 * DAY, expected_days=4)


def plan_for(request_type: str, *, skip_waiting_period: bool) -> Plan:
    if request_type != "erasure":
        return _ACCESS
    return _ERASURE_AT_ONCE if skip_waiting_period else _ERASURE


def next_batch(now: float, every_seconds: int) -> float:
    """Callbacks are "queued and sent every 15 minutes": the first full interval strictly after `now`."""
    if every_seconds == 0:
        return now
    return (math.floor(now / every_seconds) + 1) * float(every_seconds)


def retry_after(attempt: int) -> int:
    """Virtual seconds before attempt number `attempt` + 1: 1, 4 and 9 minutes."""
    return attempt * attempt * MINUTE


def expected_completion(received_at: datetime, days: int, shape: str) -> str | None:
    """The estimate in one of the spellings seen in the wild; midnight is the common one."""
    moment = received_at + timedelta(days=days)
    if shape == "null":
        return None
    if shape == "midnight":
        return f"{moment:%Y-%m-%d}T00:00:00Z"
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}"
    return {"six_digits": f"{text}Z", "seven_digits": f"{text}1Z", "naive": text}[shape]
