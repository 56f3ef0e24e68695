"""Measures what counting reads and writes: all of a workspace's rows, and rows as they come."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from benchmarks.capacity import Capacity
from benchmarks.large_data_set import FIRST_CREATED_AT
from benchmarks.measured_store import SPAN, MeasuredStore
from workspace_usage.recording.recorder import NEW_ROWS_PER_COUNT_REQUEST
from workspace_usage.rollups.blocks import LATE, WRITE
from workspace_usage.rows.copies import read_copies

_NEW_ROWS: Final = 400 * NEW_ROWS_PER_COUNT_REQUEST
"""New rows that are counted as they come: most of a day's."""

_INTERVAL: Final = SPAN / 1_000_000
"""The time between new rows: a million come in 60 days."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of rows cost."""

    name: str
    rows: int
    seconds: float
    capacity: Capacity


def count_all(store: MeasuredStore, workspace_id: int) -> Cost:
    """Counts a workspace of which nothing is counted; few rows stay uncounted."""
    counter = store.counter()
    store.capacity.take()
    began = perf_counter()
    rows = counter.count(workspace_id).rows
    return Cost(
        "a workspace for the first time", rows, perf_counter() - began, store.capacity.take()
    )


def count_new(store: MeasuredStore, workspace_id: int) -> tuple[Cost, Cost]:
    """Counts new rows of a workspace as they come, as often as the recorder asks for it.

    Returns the cost of reading such rows once, for comparison, and that of counting them.
    """
    store.fill(workspace_id, 2 * _NEW_ROWS, 2 * _NEW_ROWS * _INTERVAL)
    now = FIRST_CREATED_AT + LATE + WRITE + _NEW_ROWS * _INTERVAL
    counter = store.counter(lambda: now)
    counter.count(workspace_id)
    store.capacity.take()
    began = perf_counter()
    for _ in range(_NEW_ROWS // NEW_ROWS_PER_COUNT_REQUEST):
        now += NEW_ROWS_PER_COUNT_REQUEST * _INTERVAL
        counter.count(workspace_id)
    name = "rows as they come"
    counted = Cost(name, _NEW_ROWS, perf_counter() - began, store.capacity.take())
    return _read_once(store, workspace_id, 2 * _NEW_ROWS), counted


def table(costs: list[Cost]) -> Iterator[str]:
    """Yields lines of text; the first of ``costs`` is the baseline."""
    baseline = costs[0]
    once = baseline.capacity.rows_read / baseline.rows
    yield (
        f"{'For a million rows':36} {'seconds':>8} {'RCU, rows':>10} {'ratio':>6}"
        f" {'Rollups':>8} {'WCU':>8}"
    )
    for cost in costs:
        factor, used = 1_000_000 / cost.rows, cost.capacity
        yield (
            f"{cost.name:36} {cost.seconds * factor:8,.0f} {used.rows_read * factor:10,.0f}"
            f" {used.rows_read / cost.rows / once:6.1f} {used.rollups_read * factor:8,.0f}"
            f" {used.rollups_written * factor:8,.0f}"
        )


def _read_once(store: MeasuredStore, workspace_id: int, rows: int) -> Cost:
    resources = store.resources
    store.capacity.take()
    began = perf_counter()
    tables = resources.tables.by_source
    for _ in read_copies(resources.dynamodb, tables, workspace_id, "0", "~"):
        pass
    return Cost("reading them once", rows, perf_counter() - began, store.capacity.take())
