"""Counts what stands behind the chips of the list of cases, and behind the board's figures that lead there."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from cases.admin.worklist.conditions import Asker, how_many
from cases.admin.worklist.filters import Flag
from cases.services.cached import cached, cached_each
from cases.services.status import silent

# A count is so old at most.
KEPT_SECONDS: Final = 20


def counts(flags: Iterable[Flag], asker: Asker) -> dict[str, int]:
    """By the name of each flag, as of the last seconds; one beyond the cap stands for all that is more."""
    flags = list(flags)
    keys = {flag.name: f"chip:1:{flag.name}:{asker.user if flag.personal else ''}" for flag in flags}
    found = cached_each(
        {keys[flag.name]: partial(_count, flag, asker) for flag in flags}, seconds=KEPT_SECONDS
    )
    return {name: found[key] for name, key in keys.items()}


def _count(flag: Flag, asker: Asker) -> int:
    return how_many(flag.cases(asker))


def silent_processors(*, now: datetime) -> int:
    """How many processors give no word, as of the last seconds."""
    return cached("silent:2", seconds=KEPT_SECONDS, compute=lambda: len(silent.silent(now=now)))
