"""Tables of dollars, as text. What is printed adds up: a sum is that of the rounded lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_NAME_WIDTH: Final = 34
_CELL_WIDTH: Final = 14


@dataclass(frozen=True, slots=True)
class Line:
    """What costs something, and its dollars by column."""

    name: str
    dollars: Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a sum at its end.

    Attributes:
        title: what the dollars are for.
        columns: the heads of the columns.
        lines: the lines; those without any dollars are not shown.
        digits: how many digits behind the point are shown.
    """

    title: str
    columns: Sequence[str]
    lines: Sequence[Line]
    digits: int = 2

    def sums(self) -> list[Decimal]:
        """Returns the sum of each column."""
        rounded = [[self._round(amount) for amount in line.dollars] for line in self.lines]
        return [sum(column, Decimal()) for column in zip(*rounded, strict=True)]

    def text(self) -> Iterator[str]:
        """Yields the table line by line."""
        yield f"{self.title:<{_NAME_WIDTH}}" + "".join(f"{c:>{_CELL_WIDTH}}" for c in self.columns)
        for line in self.lines:
            amounts = [self._round(amount) for amount in line.dollars]
            if any(line.dollars):
                yield self._line(line.name, amounts)
        yield self._line("sum", self.sums())

    def _line(self, name: str, amounts: Sequence[Decimal]) -> str:
        return f"{name:<{_NAME_WIDTH}}" + "".join(f"{amount:>{_CELL_WIDTH},}" for amount in amounts)

    def _round(self, amount: float) -> Decimal:
        return Decimal(amount).quantize(Decimal(1).scaleb(-self.digits))
