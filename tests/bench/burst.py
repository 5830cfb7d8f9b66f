"""What mParticle sends every 15 minutes, all at once: a tenth of it twice, and all of it out of order."""

from collections import Counter
from pathlib import Path

from tests.bench import target
from tests.bench.duel import Duel
from tests.bench.figure import Figure

CALLBACKS = 2500
REPEATED = 0.1
CONNECTIONS = 16
ROUNDS = 3


def measure(directory: Path, *, rounds: int, part: float) -> list[Figure]:
    duel = Duel(target.at(directory), CONNECTIONS)
    count = round(CALLBACKS * part)
    with duel.target.served():
        duel.fight(count, repeats=round(count * REPEATED), rounds=min(ROUNDS, rounds))
    lost = len(duel.keys) - duel.target.applied_once(duel.keys)
    statuses = sum((Counter(landed.statuses) for landed in duel.ours), Counter())
    not_taken = sum(landed.sent for landed in duel.ours) - statuses["202"]
    return [
        *duel.figures(f"burst of {count} callbacks"),
        Figure("  not applied exactly once", f"{lost} of {len(duel.keys)}", "0", lost == 0),
        Figure("  not answered with 202", f"{not_taken} {_others(statuses)}".strip(), "0", not_taken == 0),
    ]


def _others(statuses: Counter[str]) -> str:
    others = {status: count for status, count in statuses.items() if status != "202"}
    return f"({others})" if others else ""
