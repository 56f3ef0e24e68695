"""Measures summaries of a large workspace, as multiples of what a page of 100 rows reads.

Its rows are of 90 days, and of 200 users with three models each. Some have come since rows were
counted.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, Final, cast

from benchmarks.counting import Cost, count_all
from benchmarks.far_pages import add_uncounted_rows
from benchmarks.large_data_set import FIRST_CREATED_AT
from benchmarks.measured_store import READ_AT, SPAN, MeasuredStore
from benchmarks.metered_listing import Listing
from benchmarks.readings import Reading
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.listing.encoding import to_json
from workspace_usage.listing.min_date import MinDate
from workspace_usage.rollups.reading import Counts
from workspace_usage.rows.store import Meter, Store
from workspace_usage.summary.answer import SummaryBody
from workspace_usage.summary.summary import Summary

MAX_CPU: Final = 0.010
"""The most seconds of CPU that 30 days by type may take."""

_CPU_ROUNDS: Final = 15
_USER: Final = 7
_USERS: Final = 200
_WORKSPACE: Final = 15
_SPAN: Final = timedelta(days=89)
_BEGIN: Final = FIRST_CREATED_AT + SPAN - _SPAN
"""The rows end when those of the other workspaces do."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        days: the days of the window, up to the last row's.
        group_by: the parameter.
        max_ratio: the most that it may read, as a multiple of a page; or None for no target.
        own: whether only one user's rows are asked for.
    """

    days: int
    group_by: str
    max_ratio: float | None = None
    own: bool = False

    @property
    def name(self) -> str:
        """What is asked, in words."""
        by = f" by {self.group_by.replace(',', ' and ')}" if self.group_by else ""
        return f"{self.days} days{by}{', one user' if self.own else ''}"


QUESTIONS: Final = (
    Question(30, "type", max_ratio=3),
    Question(30, ""),
    Question(30, "model"),
    Question(30, "user"),
    Question(30, "model", own=True),
    Question(90, "type"),
    Question(90, "user,model", max_ratio=40),
    Question(90, "agent,model"),
    Question(90, "user,type"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one summary takes.

    Attributes:
        question: what was asked.
        reading: what was read for it.
        ratio: its capacity, divided by that of the first page of 100 rows.
        cpu: seconds of CPU in a warm process, from the question to the answer as JSON.
        size: the answer's bytes.
    """

    question: Question
    reading: Reading
    ratio: float
    cpu: float
    size: int


def fill(store: MeasuredStore, rows: int) -> Cost:
    """Fills and counts a workspace of 200 users; returns what counting it cost."""
    store.fill(_WORKSPACE, rows, _SPAN, _BEGIN, _USERS)
    return count_all(store, _WORKSPACE)


def measure(store: MeasuredStore, listing: Listing) -> list[Measured]:
    """Measures summaries of the workspace that ``fill`` has filled; 250 more rows come first.

    Raises:
        AssertionError: a summary misses rows.
    """
    add_uncounted_rows(store, _WORKSPACE)
    page, _ = listing.read("", WholeWorkspace(_WORKSPACE), {"page": 1, "per_page": 100})
    return [_measure(store, listing, question, page.capacity) for question in QUESTIONS]


def table(measured: list[Measured]) -> Iterator[str]:
    """Yields lines of text."""
    yield (
        f"{'summary':28} {'rows':>6} {'calls':>6} {'kB':>8} {'RCU':>7} {'of a page':>10}"
        f" {'target':>7} {'CPU, ms':>8} {'answer, kB':>11}"
    )
    for one in measured:
        target = "-" if one.question.max_ratio is None else f"{one.question.max_ratio:.1f}"
        yield (
            f"{one.question.name:28} {one.reading.rows:6,} {one.reading.calls:6}"
            f" {one.reading.kilobytes:8,.1f} {one.reading.capacity:7,.1f} {one.ratio:8.1f} x"
            f" {target:>7} {one.cpu * 1000:8,.1f} {one.size / 1000:11,.1f}"
        )


def missed_targets(measured: list[Measured]) -> Iterator[str]:
    """Yields what reads or takes more than it may."""
    for one in measured:
        if one.question.max_ratio is not None and one.ratio > one.question.max_ratio:
            yield f"the read units of {one.question.name}"
    if measured[0].cpu > MAX_CPU:
        yield f"the CPU of {measured[0].question.name}"


def _measure(store: MeasuredStore, listing: Listing, question: Question, page: float) -> Measured:
    scope = OwnRuns(_WORKSPACE, _USER) if question.own else WholeWorkspace(_WORKSPACE)
    metered, meter = listing.metered_reader(), Meter(lambda: None)
    body = _answer(store, metered, scope, question, meter)
    assert body["totals"]["runs"] > 0, question.name  # noqa: S101 - else not comparable
    reading = Reading(
        question.name, meter.rows.total(), metered.calls, metered.size / 1000, metered.capacity
    )
    rounds = []
    for _ in range(_CPU_ROUNDS):
        began = time.process_time()
        text = to_json(_answer(store, listing.reader, scope, question, meter))
        rounds.append(time.process_time() - began)
    return Measured(question, reading, reading.capacity / page, median(rounds), len(text))


def _answer(
    store: MeasuredStore, reader: Any, scope: Scope, question: Question, meter: Meter
) -> SummaryBody:
    tables, zone = store.resources.tables, store.resources.zone
    summary = Summary(
        Store(reader, tables.by_source),
        Counts(reader, tables.rollups, zone),
        MinDate(cast(Any, _Unlimited()), "", zone),
        zone,
    )
    last = (_BEGIN + _SPAN).date()
    query = {
        "start_date": str(last - timedelta(days=question.days - 1)),
        "end_date": str(last),
        "group_by": question.group_by,
    }
    return summary.answer(scope, query, now=READ_AT, meter=meter, warn=print)


class _Unlimited:
    """The setting that hides nothing."""

    def get_parameter(self, **_: str) -> Any:
        """Returns the parameter."""
        return {"Parameter": {"Value": '{"enabled": false}'}}
