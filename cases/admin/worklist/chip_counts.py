"""Counts what stands behind the chips of the list of cases, and behind the board's figures that lead there."""

from datetime import datetime
from typing import Final

from cases.admin.worklist.conditions import Asker, how_many
from cases.admin.worklist.filters import Flag
from cases.services.cached import cached
from cases.services.status import silent

# A count is so old at most.
KEPT_SECONDS: Final = 20


def count(flag: Flag, asker: Asker) -> int:
    """So many, as of the last seconds; one beyond the cap stands for all that is more."""
    name = f"chip:1:{flag.name}:{asker.user if flag.personal else ''}"
    return cached(name, seconds=KEPT_SECONDS, compute=lambda: how_many(flag.cases(asker)))


def silent_processors(*, now: datetime) -> int:
    """How many processors give no word, as of the last seconds."""
    return cached("silent:2", seconds=KEPT_SECONDS, compute=lambda: len(silent.silent(now=now)))
