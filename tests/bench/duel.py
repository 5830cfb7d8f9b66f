"""The callback endpoint and the bare view under the same fire, in turns: only their ratio says much of the code."""

from dataclasses import dataclass, field
from statistics import median
from uuid import UUID

from tests.bench import bare
from tests.bench.figure import Figure
from tests.bench.load import Landed
from tests.bench.target import Target


@dataclass(frozen=True)
class Duel:
    """What landed, round by round. The first round is not counted: it fills caches and opens connections."""

    target: Target
    connections: int
    keys: list[UUID] = field(default_factory=list)
    ours: list[Landed] = field(default_factory=list)
    bare: list[Landed] = field(default_factory=list)

    def fight(self, count: int, *, repeats: int = 0, rounds: int) -> None:
        for number in range(rounds + 1):
            volleys = self.target.volleys(count, repeats=repeats)
            self.keys.extend(volleys.keys)
            turns = [(volleys.ours, self.ours), (volleys.bare, self.bare)]
            for posts, landed in turns if number % 2 else reversed(turns):
                landed.append(self.target.fire(posts, connections=self.connections))

    def figures(self, what: str, *, goal: float | None = None) -> list[Figure]:
        """Raises RuntimeError where the bare view did not do its part: then nothing was compared."""
        moved = bare.BareRequest.objects.filter(pk__in=self.keys, status="in_progress").count()
        noted = bare.BareEvent.objects.filter(request__in=self.keys).count()
        if {moved, noted} != {len(self.keys)}:
            raise RuntimeError(f"Of {len(self.keys)} bare requests {moved} moved, with {noted} events.")
        ratio = median(one.rate / other.rate for one, other in self._counted())
        return [
            Figure(what, _speed([one for one, _ in self._counted()])),
            Figure("  the bare view under the same", _speed([other for _, other in self._counted()])),
            Figure("  ratio", f"{ratio:.2f}", f"{goal}", None if goal is None else ratio >= goal),
        ]

    def _counted(self) -> list[tuple[Landed, Landed]]:
        return list(zip(self.ours, self.bare, strict=True))[1:]


def _speed(landed: list[Landed]) -> str:
    rate, p95 = (median(getattr(each, of) for each in landed) for of in ("rate", "p95_ms"))
    return f"{rate:.0f} a second, p95 {p95:.0f} ms"
