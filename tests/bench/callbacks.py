"""Signed callbacks per second, over eight connections that are always busy."""

from pathlib import Path

from tests.bench import target
from tests.bench.duel import Duel
from tests.bench.figure import Figure

CALLBACKS = 500
CONNECTIONS = 8
RATIO_GOAL = 0.6


def measure(directory: Path, *, rounds: int, part: float) -> list[Figure]:
    duel = Duel(target.at(directory), CONNECTIONS)
    with duel.target.served():
        duel.fight(round(CALLBACKS * part), rounds=rounds)
    # A fast answer that did nothing would not count.
    applied = duel.target.applied_once(duel.keys)
    refused = [landed.statuses for landed in [*duel.ours, *duel.bare] if set(landed.statuses) != {"202"}]
    if applied != len(duel.keys) or refused:
        raise RuntimeError(f"Of {len(duel.keys)} callbacks {applied} were applied once; refused: {refused}.")
    return duel.figures("signed callbacks", goal=RATIO_GOAL)
