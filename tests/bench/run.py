"""The order for a run, the same for each of its benches."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """`rounds` are of what is compared. A `small` run shows that a bench works, not how fast the portal is."""

    directory: Path
    rounds: int
    small: bool = False
    # Another checkout of the portal, whose pages are measured in turns with ours.
    beside: Path | None = None
