"""One measured figure as a line of the table: what it is, what was found, and what was hoped for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`met` is None where there is no goal."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        line = f"{self.what:<46}{self.value:>30}"
        if self.met is not None:
            line += f"   {self.goal}: {'met' if self.met else 'NOT met'}"
        return line
