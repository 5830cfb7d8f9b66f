"""Bars and lines of the charts that are drawn here, as SVG: in the drawing's own units, as text for its attributes."""

from collections.abc import Iterator
from dataclasses import dataclass

from cases.admin import widgets


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or one piece of a column; `css` is the class that colours it."""

    css: str
    x: str
    y: str
    width: str
    height: str
    title: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across with its number, or the name below a column."""

    at: str
    text: str


def bar(css: str, x: float, width: float, *, top: float, bottom: float, title: str, address: str = "") -> Bar:
    return Bar(css, units(x), units(top), units(width), units(bottom - top), title, address)


def units(length: float) -> str:
    """A tenth is finer than a screen shows."""
    return f"{length:.1f}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers as heights: 0 is the ground, and the ceiling a round number that is not below the largest."""

    top: float
    ground: float
    step: int
    ceiling: int

    @classmethod
    def reaching(cls, most: int, *, top: float, ground: float) -> "Scale":
        step = next(step for step in _steps() if step * 4 >= most)
        return cls(top, ground, step, step * max(1, -(-most // step)))

    def at(self, value: int) -> float:
        return self.ground - (self.ground - self.top) * value / self.ceiling

    def lines(self) -> list[Mark]:
        """Four at most above the ground."""
        return [
            Mark(units(self.at(value)), widgets.number(value))
            for value in range(0, self.ceiling + 1, self.step)
        ]


def _steps() -> Iterator[int]:
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10
