"""What memory sizes cost, from the CPU that was measured and AWS's prices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Self

from benchmarks.figures import Comparison

# US dollars, us-east-1, on demand, as listed in November 2026; Lambda's are those of arm64.
GB_SECOND: Final = 0.0000133334
MILLION_INVOCATIONS: Final = 0.20
MILLION_UNITS: Final = 0.125
CACHE_HOUR: Final = 0.020
HOURS: Final = 730
"""Hours in a month."""

VCPU: Final = 1769
"""Megabytes with which a function has one whole vCPU; with less it has less, in proportion."""

SIZES: Final = (512, 1024, VCPU)
LISTING_WAITS: Final = 6
"""Milliseconds for which a listing waits for DynamoDB: its three Queries overlap."""
AUTHORIZER_WAITS: Final = 8
"""The same of the authorizer, whose two reads come one after the other."""
ROWS: Final = (20, 100)
"""Rows in the pages that are reckoned with."""
AUTHORIZER_UNITS: Final = 2
"""What the authorizer reads, consistently."""


@dataclass(frozen=True, slots=True)
class Need:
    """Milliseconds of a whole vCPU.

    Attributes:
        first: for a first request, when both functions start cold.
        listing: for a warm page of so many rows, half of them chats and half of them media.
        authorizer: for a warm decision.
    """

    first: float
    listing: dict[int, float]
    authorizer: float

    @classmethod
    def of(cls, cold: Sequence[Comparison], hot: Sequence[Comparison]) -> Self:
        """The need that was measured."""
        warm = {compared.name: _milliseconds(compared) for compared in hot}
        listing = {rows: (warm[f"{rows} chats"] + warm[f"{rows} media"]) / 2 for rows in ROWS}
        return cls(sum(map(_milliseconds, cold)), listing, warm["authorizer"])


def table(need: Need, read_units: Mapping[int, float]) -> Iterator[str]:
    """What memory sizes cost, and what answers from the cache save; lines of text.

    ``read_units`` is what a first page takes, by its rows.
    """
    yield (
        f"{'memory':>8} {'both cold':>10} {'20 rows':>8} {'100 rows':>9}"
        f" {'$ a million of 20':>18} {'of 100':>7}"
    )
    for size in SIZES:
        slower = VCPU / size
        warm = (slower * (cpu + need.authorizer) for cpu in need.listing.values())
        costs = (
            _lambda_cost(size, cpu, LISTING_WAITS)
            + _lambda_cost(size, need.authorizer, AUTHORIZER_WAITS)
            for cpu in need.listing.values()
        )
        yield (
            f"{size:5} MB {slower * need.first:10.0f} "
            "{:8.1f} {:9.1f} {:18.2f} {:7.2f}".format(*warm, *costs)
        )
    for rows in ROWS:
        units = read_units[rows]
        saved = _lambda_cost(VCPU, need.listing[rows], LISTING_WAITS) + units * MILLION_UNITS
        yield (
            f"A million of {rows} rows: DynamoDB ${(units + AUTHORIZER_UNITS) * MILLION_UNITS:.2f};"
            f" from the cache ${saved:.2f} less, which pays for it from"
            f" {HOURS * CACHE_HOUR / saved:.0f} million a month on"
        )


def _milliseconds(compared: Comparison) -> float:
    """The median of what ours takes."""
    return 1000 * compared.spreads[1].middle


def _lambda_cost(size: int, cpu: float, waits: float) -> float:
    """Dollars for a million invocations of a function, by the milliseconds that it takes."""
    billed = ceil(cpu * VCPU / size + waits)
    return MILLION_INVOCATIONS + 1000 * billed * size / 1024 * GB_SECOND
