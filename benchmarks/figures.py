"""Figures of several rounds: least, middle and greatest, and ratios taken round by round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the median and the greatest of some figures."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """The spread of one or more figures."""
        return cls(min(figures), median(figures), max(figures))

    def shown(self, decimals: int = 1, factor: float = 1) -> str:
        """The median, with the others beside it."""
        low, middle, high = (
            f"{figure * factor:.{decimals}f}" for figure in (self.low, self.middle, self.high)
        )
        return f"{middle} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of CPU of the baseline and of ours, round by round."""

    name: str
    baseline: tuple[float, ...]
    ours: tuple[float, ...]
    target: float | None = None

    @property
    def ratio(self) -> Spread:
        """How many times as much the baseline takes; each ratio is of one round."""
        return Spread.of(
            [theirs / our for theirs, our in zip(self.baseline, self.ours, strict=True)]
        )

    @property
    def spreads(self) -> tuple[Spread, Spread]:
        """Seconds of the baseline, and of ours."""
        return Spread.of(self.baseline), Spread.of(self.ours)
