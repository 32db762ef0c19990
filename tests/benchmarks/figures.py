"""What a figure is: what was measured, what it must be, and the table of them. Measures nothing."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Must:
    """What a figure has to reach."""

    sign: str
    limit: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}{self.unit}"

    def is_met_by(self, value: float) -> bool:
        """Return whether a value is good enough."""
        return value >= self.limit if self.sign == "≥" else value <= self.limit


def at_least(limit: float, unit: str = "") -> Must:
    """Demand that much or more."""
    return Must("≥", limit, unit)


def at_most(limit: float, unit: str = "") -> Must:
    """Demand that much or less."""
    return Must("≤", limit, unit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. Without a value the note says why there is none."""

    what: str
    must: Must
    value: float | None
    note: str = ""

    def measured(self) -> str:
        """Write the value, what it was made from, and whether it misses the mark."""
        if self.value is None:
            return self.note
        text = f"**{_rounded(self.value)}{self.must.unit}**" + (f" ({self.note})" if self.note else "")
        return text if self.must.is_met_by(self.value) else f"{text}, missed"


def ratio(what: str, must: Must, above: float, below: float, unit: str, scale: float = 1.0) -> Figure:
    """Return the figure of one quantity over another, both named in the note."""
    note = f"{_rounded(above * scale)} ÷ {_rounded(below * scale)} {unit}"
    return Figure(what, must, above / below, note)


def table(figures: Iterable[Figure]) -> str:
    """Write the figures as a table of Markdown."""
    lines = [f"| {figure.what} | {figure.must} | {figure.measured()} |" for figure in figures]
    return "\n".join(("| what | must | measured |", "|---|--:|--:|", *lines))


def _rounded(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")
