"""Computes what memory sizes cost, from the measured CPU and AWS's prices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Self

from benchmarks.figures import Comparison

# US dollars, us-east-1, on demand, as listed in November 2026; Lambda's are those of arm64.
PRICE_PER_GB_SECOND: Final = 0.0000133334
PRICE_PER_MILLION_INVOCATIONS: Final = 0.20
PRICE_PER_MILLION_READ_UNITS: Final = 0.125
PRICE_PER_CACHE_HOUR: Final = 0.020
HOURS_PER_MONTH: Final = 730

MEGABYTES_PER_VCPU: Final = 1769
"""The memory with which a function has one vCPU. With less memory it has less, in proportion."""

MEMORY_SIZES: Final = (512, 1024, MEGABYTES_PER_VCPU)
LISTING_WAIT_MS: Final = 6
"""Time that a listing waits for DynamoDB; its three Queries overlap."""
AUTHORIZER_WAIT_MS: Final = 8
"""Time that the authorizer waits for DynamoDB; it reads twice, one after the other."""
PAGE_SIZES: Final = (20, 100)
"""Rows of the pages that are compared."""
AUTHORIZER_READ_UNITS: Final = 2
"""Two consistent reads."""


@dataclass(frozen=True, slots=True)
class CpuNeed:
    """Milliseconds of a whole vCPU.

    Attributes:
        first: for a first request, when both functions start cold.
        listing: for a warm page, by its rows; half of them are chats, half of them media.
        authorizer: for a warm decision.
    """

    first: float
    listing: dict[int, float]
    authorizer: float

    @classmethod
    def of(cls, cold: Sequence[Comparison], hot: Sequence[Comparison]) -> Self:
        """Returns the need that was measured."""
        warm = {compared.name: _milliseconds(compared) for compared in hot}
        listing = {rows: (warm[f"{rows} chats"] + warm[f"{rows} media"]) / 2 for rows in PAGE_SIZES}
        return cls(sum(map(_milliseconds, cold)), listing, warm["authorizer"])


def table(need: CpuNeed, read_units: Mapping[int, float]) -> Iterator[str]:
    """Yields lines of text: what memory sizes cost, and what responses from the cache save.

    Args:
        need: the measured CPU.
        read_units: the read units of a first page, by its rows.
    """
    yield (
        f"{'memory':>8} {'both cold':>10} {'20 rows':>8} {'100 rows':>9}"
        f" {'$ a million of 20':>18} {'of 100':>7}"
    )
    for size in MEMORY_SIZES:
        slower = MEGABYTES_PER_VCPU / size
        warm = (slower * (cpu + need.authorizer) for cpu in need.listing.values())
        costs = (
            _lambda_cost(size, cpu, LISTING_WAIT_MS)
            + _lambda_cost(size, need.authorizer, AUTHORIZER_WAIT_MS)
            for cpu in need.listing.values()
        )
        yield (
            f"{size:5} MB {slower * need.first:10.0f} "
            "{:8.1f} {:9.1f} {:18.2f} {:7.2f}".format(*warm, *costs)
        )
    for rows in PAGE_SIZES:
        units = read_units[rows]
        saved = (
            _lambda_cost(MEGABYTES_PER_VCPU, need.listing[rows], LISTING_WAIT_MS)
            + units * PRICE_PER_MILLION_READ_UNITS
        )
        read_price = (units + AUTHORIZER_READ_UNITS) * PRICE_PER_MILLION_READ_UNITS
        yield (
            f"A million of {rows} rows: DynamoDB ${read_price:.2f};"
            f" from the cache ${saved:.2f} less, which pays for it from"
            f" {HOURS_PER_MONTH * PRICE_PER_CACHE_HOUR / saved:.0f} million a month on"
        )


def _milliseconds(compared: Comparison) -> float:
    """Returns the median of our milliseconds."""
    return 1000 * compared.spreads[1].median


def _lambda_cost(size: int, cpu: float, waits: float) -> float:
    """Returns the dollars for a million invocations, from milliseconds of CPU and of waiting."""
    billed = ceil(cpu * MEGABYTES_PER_VCPU / size + waits)
    return PRICE_PER_MILLION_INVOCATIONS + 1000 * billed * size / 1024 * PRICE_PER_GB_SECOND
