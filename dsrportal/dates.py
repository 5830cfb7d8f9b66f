"""Dates and times as pages show them, each written once: Django takes its format apart for every single one.

A list has hundreds of them, of which few differ.
"""

from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language


def written(on: date) -> str:
    """A date, always of the same width: 05 Dec 2026."""
    return _written(on, "DATE_FORMAT", get_language())


def day_of(moment: datetime) -> str:
    """The same of an instant, in the current time zone."""
    return written(timezone.localtime(moment).date())


def clock(moment: datetime) -> str:
    """Hour and minute of an instant, in the current time zone."""
    there = timezone.localtime(moment)
    return _written(time(there.hour, there.minute), "H:i", get_language())


@lru_cache(maxsize=4096)
def _written(value: Any, form: str, _language: str | None) -> str:
    return date_format(value, form)
