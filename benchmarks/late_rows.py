"""Measures how fast rows come late into a workspace that is counted.

Ten writers record rows of the last three days into two workspaces in turns. Each writer is a
recorder of its own, as each of ten Lambda environments has one. The baseline is the second
workspace, which is not counted and whose writers put no marks; it has as many rows. A counter reads
the blocks of the first workspace again and again, during the turns of both sides, so that it takes
the machine's time from both.

A mark is remembered for half a minute. So a side's time passes during its own turns only: it puts
as many marks for a row as it would without the other side's turns.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.figures import Comparison
from benchmarks.measured_store import MeasuredStore
from benchmarks.rows import row_of_age
from local.aws import CLIENT_CONFIG, session
from workspace_usage.errors import StoreUnavailable, WriteConflict
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.recording.recorder import Recorder
from workspace_usage.rollups.blocks import MARGIN
from workspace_usage.rollups.counter import Counter
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rows.row import Source
from workspace_usage.rows.tables import Tables
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITERS: Final = 10
TARGET: Final = 0.9
"""The least rate, as a part of the baseline's."""

_COUNTED: Final = 15
_NOT_COUNTED: Final = 16
_ROWS_BEFORE: Final = 5_000
_SPREAD: Final = timedelta(days=3)
_ROUNDS: Final = 9
_ROWS_OF_A_TURN: Final = 400
_PAUSE: Final = 0.2
"""Seconds from one run of the counter to the next."""


@dataclass(frozen=True, slots=True)
class LateRows:
    """How long late rows took, and how many failed and would have been put back into the queue."""

    comparison: Comparison
    put_back: int


class _NoMarks:
    """Takes the place of the marks of a recorder that doesn't need them."""

    def mark(self, *_: object) -> None:
        """Does nothing."""


class _Side:
    """One workspace with its ten writers, and its own time."""

    def __init__(self, workspace_id: int, recorders: Iterable[Recorder], now: datetime) -> None:
        self._workspace_id = workspace_id
        self._recorders = list(recorders)
        self._now = now
        self._numbers = count(10**9)
        self.put_back = 0

    def take_turn(self) -> float:
        """Writes a turn's rows; returns the seconds from one row to the next."""
        began = perf_counter()
        with ThreadPoolExecutor(WRITERS) as executor:
            failed = executor.map(lambda recorder: self._write(recorder, began), self._recorders)
        self.put_back += sum(failed)
        seconds = perf_counter() - began
        self._now += timedelta(seconds=seconds)
        return seconds / _ROWS_OF_A_TURN

    def _write(self, recorder: Recorder, began: float) -> int:
        failed = 0
        for _ in range(_ROWS_OF_A_TURN // WRITERS):
            now = self._now + timedelta(seconds=perf_counter() - began)
            try:
                recorder.apply(self._change(now), now)
            except (StoreUnavailable, WriteConflict):
                failed += 1
        return failed

    def _change(self, now: datetime) -> RowChange:
        number = next(self._numbers)
        # The golden ratio spreads numbers evenly, in no order.
        age = timedelta(hours=1) + _SPREAD * (number * 0.618034 % 1)
        row = row_of_age(Source.CURRENT, number, age, now)
        return RowChange(row._replace(workspace_id=self._workspace_id), "2026-01-01#1#0")


def measure(store: MeasuredStore) -> LateRows:
    """Measures late rows; it takes half a minute."""
    begin = datetime(2026, 6, 1, tzinfo=store.resources.zone)
    now = begin + _SPREAD + timedelta(hours=1)
    for workspace_id in (_COUNTED, _NOT_COUNTED):
        store.fill(workspace_id, _ROWS_BEFORE, _SPREAD, begin)
    store.counter(lambda: now).count(_COUNTED)
    counted = _Side(_COUNTED, _recorders(store, has_marks=True), now)
    not_counted = _Side(_NOT_COUNTED, _recorders(store, has_marks=False), now)
    baseline, ours = [], []
    with _running_counter(store, now):
        for _ in range(_ROUNDS):
            ours.append(counted.take_turn())
            baseline.append(not_counted.take_turn())
    compared = Comparison("late rows of ten writers", tuple(baseline), tuple(ours), TARGET)
    return LateRows(compared, counted.put_back)


def _recorders(store: MeasuredStore, *, has_marks: bool) -> Iterator[Recorder]:
    resources = store.resources
    for _ in range(WRITERS):
        client = _dynamodb_client(store.endpoint)
        sqs = session().client("sqs", endpoint_url=store.sqs_endpoint, config=CLIENT_CONFIG)
        queue = CountQueue(sqs, store.count_queue_url)
        recorder = Recorder(client, resources.tables, queue.request)
        if not has_marks:
            # No deployment may leave marks out, so the recorder has no option for it.
            recorder._marks = _NoMarks()  # type: ignore[assignment]  # noqa: SLF001
        yield recorder


def _dynamodb_client(endpoint: str) -> "DynamoDBClient":
    return session().client("dynamodb", endpoint_url=endpoint, config=CLIENT_CONFIG)


@contextmanager
def _running_counter(store: MeasuredStore, now: datetime) -> Iterator[None]:
    """Runs a counter in a process of its own."""
    context = get_context("spawn")
    stop = context.Event()
    # Its clock is so far ahead that writers' marks make it read blocks again at once.
    now += 2 * MARGIN
    resources = store.resources
    arguments = (store.endpoint, resources.tables, resources.zone, now, stop)
    process = context.Process(target=_count_all_the_time, args=arguments)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()
    if process.exitcode:
        raise RuntimeError("the counter's process has failed; its error is above")


def _count_all_the_time(
    endpoint: str, tables: Tables, zone: tzinfo, now: datetime, stop: Event
) -> None:
    began = perf_counter()

    def clock() -> datetime:
        return now + timedelta(seconds=perf_counter() - began)

    client = _dynamodb_client(endpoint)
    counter = Counter(client, tables, zone, clock)
    hours = [format_timestamp(now - timedelta(hours=h)) for h in range(1, 24 * _SPREAD.days, 4)]
    while not stop.wait(_PAUSE):
        # With these marks it reads all blocks again, during the turns of both sides.
        marks = MarkWriter(client, tables.rollups, lambda _: None)
        marks.mark(_COUNTED, hours, clock() - MARGIN - timedelta(seconds=1))
        counter.count(_COUNTED)
