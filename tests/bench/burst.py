"""A burst of callbacks, as mParticle sends them every 15 minutes: a tenth of them twice, and all out of order."""

from collections import Counter

from tests.bench import target
from tests.bench.duel import Duel
from tests.bench.figure import Figure
from tests.bench.run import Run

CALLBACKS, FEW = 2500, 160
REPEATED = 0.1
CONNECTIONS = 16
ROUNDS = 3


def measure(run: Run) -> list[Figure]:
    duel = Duel(target.at(run.directory), CONNECTIONS)
    count = FEW if run.small else CALLBACKS
    with duel.target.served():
        duel.fight(count, repeats=round(count * REPEATED), rounds=min(ROUNDS, run.rounds))
    lost = len(duel.keys) - duel.target.applied_once(duel.keys)
    statuses = sum((Counter(landed.statuses) for landed in duel.ours), Counter())
    not_taken = sum(landed.sent for landed in duel.ours) - statuses["202"]
    return [
        *duel.figures(f"burst of {count} callbacks"),
        Figure("  not applied exactly once", f"{lost} of {len(duel.keys)}", "0", lost == 0, exact=True),
        Figure(
            "  not answered with 202",
            f"{not_taken} {_others(statuses)}".strip(),
            "0",
            not_taken == 0,
            exact=True,
        ),
    ]


def _others(statuses: Counter[str]) -> str:
    others = {status: count for status, count in statuses.items() if status != "202"}
    return f"({others})" if others else ""
