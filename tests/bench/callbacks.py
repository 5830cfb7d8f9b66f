"""Signed callbacks per second, over eight connections that are always busy."""

from tests.bench import target
from tests.bench.duel import Duel
from tests.bench.figure import Figure
from tests.bench.run import Run

CALLBACKS, FEW = 500, 60
CONNECTIONS = 8
RATIO_GOAL = 0.6


def measure(run: Run) -> list[Figure]:
    duel = Duel(target.at(run.directory), CONNECTIONS)
    with duel.target.served():
        duel.fight(FEW if run.small else CALLBACKS, rounds=run.rounds)
    # A fast answer that did nothing would not count.
    applied = duel.target.applied_once(duel.keys)
    refused = [landed.statuses for landed in [*duel.ours, *duel.bare] if set(landed.statuses) != {"202"}]
    if applied != len(duel.keys) or refused:
        raise RuntimeError(f"Of {len(duel.keys)} callbacks {applied} were applied once; refused: {refused}.")
    return duel.figures("signed callbacks", goal=RATIO_GOAL)
