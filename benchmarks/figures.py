"""Figures of several rounds: their minimum, median and maximum, and ratios of each round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """The minimum, the median and the maximum of some figures."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """Returns the spread of one or more figures."""
        return cls(min(figures), median(figures), max(figures))

    def format(self, decimals: int = 1, factor: float = 1) -> str:
        """Returns the median, and the others in parentheses."""
        low, middle, high = (
            f"{figure * factor:.{decimals}f}" for figure in (self.low, self.median, self.high)
        )
        return f"{middle} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of CPU of the baseline and of ours in each round."""

    name: str
    baseline: tuple[float, ...]
    ours: tuple[float, ...]
    target: float | None = None

    @property
    def ratio(self) -> Spread:
        """The ratio of the baseline's CPU to ours; each figure is of one round."""
        return Spread.of(
            [baseline / ours for baseline, ours in zip(self.baseline, self.ours, strict=True)]
        )

    @property
    def spreads(self) -> tuple[Spread, Spread]:
        """The seconds of the baseline, and ours."""
        return Spread.of(self.baseline), Spread.of(self.ours)
