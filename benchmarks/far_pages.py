"""Measures pages far down in a large workspace, as multiples of what page 1 reads.

Some rows have come since rows were counted. The second measurement has a stale block as well: a
late row's mark was put on an hour in the middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from benchmarks.large_data_set import FIRST_CREATED_AT
from benchmarks.measured_store import COUNTED_AT, READ_AT, MeasuredStore
from benchmarks.metered_listing import Listing
from benchmarks.readings import Reading, page_name
from usagectl.resources import Resources
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.rollups.blocks import Block
from workspace_usage.rollups.items import Day, days_query
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rows.position import moment_of
from workspace_usage.values import format_timestamp

UNCOUNTED_ROWS: Final = 250
"""Rows that have come since rows were counted: the average in a workspace that gets a million a
month, half of those for which the counter runs and five minutes' rows."""

MAX_RATIOS: Final = {100: 3, 20: 6}
"""The most that a page may read, as a multiple of page 1, by rows of a page."""

_PAGES: Final = 20
"""How many pages between the first and the last are read."""

_USER: Final = 7
_TYPE: Final = "image"


@dataclass(frozen=True, slots=True)
class Question:
    """Whose rows are asked for, of which type, and which share of the workspace's rows that is."""

    name: str
    scope: Scope
    agent_type: str
    share: float


@dataclass(frozen=True, slots=True)
class Depths:
    """What the pages of one question read.

    Attributes:
        name: the question.
        per_page: rows of a page.
        readings: page 1, and pages at equal distances from there to the last one.
    """

    name: str
    per_page: int
    readings: list[Reading]

    @property
    def max_ratio(self) -> float:
        """The capacity of the page that reads most, divided by page 1's."""
        first, *others = (reading.capacity for reading in self.readings)
        return max(others) / first


@dataclass(frozen=True, slots=True)
class StaleBlock:
    """Pages of 100 below a stale block: the block's rows, page 1, and the page that reads most."""

    rows: int
    first: Reading
    largest: Reading


@dataclass(frozen=True, slots=True)
class FarPages:
    """All of this module's figures."""

    depths: list[Depths]
    stale: StaleBlock


def add_uncounted_rows(store: MeasuredStore, workspace_id: int) -> None:
    """Adds rows that have come after rows were counted."""
    store.fill(workspace_id, UNCOUNTED_ROWS, timedelta(minutes=4), COUNTED_AT)


def measure(store: MeasuredStore, listing: Listing, workspace_id: int, rows: int) -> FarPages:
    """Measures a workspace that has ``rows`` counted rows, and some more (``add_uncounted_rows``).

    Afterwards the workspace has a mark.

    Raises:
        AssertionError: a page differs when it is found by counts.
    """
    questions = (
        Question("all rows", WholeWorkspace(workspace_id), "all", 1),
        # A sixth of the executions, which are 95 % of the rows.
        Question("one type", WholeWorkspace(workspace_id), _TYPE, 0.95 / 6),
        Question("one user", OwnRuns(workspace_id, _USER), "all", 1 / 17),
        Question("one user and type", OwnRuns(workspace_id, _USER), _TYPE, 0.95 / 6 / 17),
    )
    _check(listing, questions[0])
    depths = [
        Depths(question.name, per_page, _read(listing, question, rows, per_page))
        for per_page in MAX_RATIOS
        for question in questions
    ]
    return FarPages(depths, _with_stale_block(store, listing, questions[0], rows))


def table(far: FarPages) -> Iterator[str]:
    """Yields lines of text."""
    yield (
        f"{f'RCU, with {UNCOUNTED_ROWS} rows not counted yet':36} {'page 1':>8} {'middle':>8}"
        f" {'last':>8} {'pages':>7} {'at most':>9}  target"
    )
    for depths in far.depths:
        first, *_ = capacities = [reading.capacity for reading in depths.readings]
        yield (
            f"{f'pages of {depths.per_page}, {depths.name}':36} {first:8.1f}"
            f" {capacities[len(capacities) // 2]:8.1f} {capacities[-1]:8.1f}"
            f" {len(capacities) - 1:7} {depths.max_ratio:7.1f} x"
            f" {MAX_RATIOS[depths.per_page]:7.1f}"
        )
    stale = far.stale
    yield (
        f"With a stale block of {stale.rows:,} rows, a page of 100 reads up to"
        f" {stale.largest.rows:,} rows, {stale.largest.capacity:,.1f} RCU,"
        f" {stale.largest.capacity / stale.first.capacity:.1f} times page 1"
    )


def missed_targets(far: FarPages) -> Iterator[str]:
    """Yields what reads more than it may."""
    for depths in far.depths:
        if depths.max_ratio > MAX_RATIOS[depths.per_page]:
            yield f"pages of {depths.per_page}, {depths.name}"


def _read(listing: Listing, question: Question, rows: int, per_page: int) -> list[Reading]:
    last = max(int(rows * question.share) // per_page, 2)
    pages = sorted({1, *(last * n // _PAGES or 1 for n in range(1, _PAGES + 1))})
    return [
        listing.read(
            page_name(page, per_page),
            question.scope,
            {"page": page, "per_page": per_page, "type": question.agent_type},
        )[0]
        for page in pages
    ]


def _check(listing: Listing, question: Question) -> None:
    """Raises AssertionError if a page differs when it is found by counts."""
    listing.capacity_without_counts(question.scope, {"page": 20, "per_page": 100})


def _with_stale_block(
    store: MeasuredStore, listing: Listing, question: Question, rows: int
) -> StaleBlock:
    resources, workspace_id = store.resources, question.scope.workspace_id
    block = _block_in_the_middle(resources, workspace_id)
    begin, end = (moment_of(sort_key) for sort_key in (block.low, block.high))
    late = format_timestamp(begin + (end - begin) / 2)
    marks = MarkWriter(resources.dynamodb, resources.tables.rollups, lambda _: None)
    marks.mark(workspace_id, [late], READ_AT)
    _check(listing, question)
    first, *others = _read(listing, question, rows, 100)
    return StaleBlock(block.rows, first, max(others, key=lambda reading: reading.capacity))


def _block_in_the_middle(resources: Resources, workspace_id: int) -> Block:
    days = (FIRST_CREATED_AT.date(), COUNTED_AT.date())
    found = resources.dynamodb.query(**days_query(resources.tables.rollups, workspace_id, *days))[
        "Items"
    ]
    blocks = [block for item in found for block in Day.from_item(item).blocks]
    return blocks[len(blocks) // 2]
