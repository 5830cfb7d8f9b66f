"""One measured figure: what it is, what was found, and what was hoped for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`met` is None where there is no goal. A goal that is `exact` holds at any size and on any machine: a bench that
    misses it has found a fault, not a slow machine."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None
    exact: bool = False

    def __str__(self) -> str:
        line = f"{self.what:<46}{self.value:>30}"
        if self.met is not None:
            line += f"   {self.goal}: {'met' if self.met else 'NOT met'}"
        return line
