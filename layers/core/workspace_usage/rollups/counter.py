"""Counting: blocks that are no longer believed are built again, then the watermark moves on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from workspace_usage.rollups.blocks import BUILD, GREATEST, MARGIN, READ, Marks, horizon, with_gaps
from workspace_usage.rollups.build import build, may_have_taken_more
from workspace_usage.rollups.items import Day, basis_of
from workspace_usage.rollups.writing import Overtaken, WorkspaceCounts
from workspace_usage.rows.copies import read_copies
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.tables import RowTables
from workspace_usage.rows.window import bounds_of, day_of
from workspace_usage.values import Clock, from_milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MIN_ROWS: Final = 250
"""Uncounted rows for which the watermark moves: a page reads fewer at little cost."""

READ_ON: Final = timedelta(seconds=30)
"""How long the rows that one pass over the tables yields are put into blocks."""


@dataclass(slots=True)
class Report:
    """What a run has done, and what it leaves.

    Attributes:
        rows: rows that were put into blocks.
        stale: blocks and gaps that had to be read again.
        oldest_mark: when the oldest mark was put that was there, or None if none was.
        lag: how old the oldest row is that is left uncounted, but for some that are too few.
        retry_after: after what time there is more to do, or None if there is nothing.
    """

    rows: int = 0
    stale: int = 0
    oldest_mark: datetime | None = None
    lag: timedelta = timedelta()
    retry_after: timedelta | None = None

    def retry(self, after: timedelta = timedelta()) -> None:
        """Notes that there is more to do, at once or after some time."""
        after = max(after, timedelta(seconds=1))
        self.retry_after = after if self.retry_after is None else min(self.retry_after, after)


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts workspaces' rows.

    Attributes:
        client: reads and writes the tables.
        tables: their names.
        zone: the time zone by whose days rows are counted.
        clock: gives the current time (aware).
    """

    client: "DynamoDBClient"
    tables: RowTables
    zone: tzinfo
    clock: Clock = lambda: datetime.now(UTC)

    def count(self, workspace_id: int, has_time: Callable[[], bool] = lambda: True) -> Report:
        """Counts a workspace as far as there is time.

        Raises:
            StoreUnavailable: a table can't be read or written in time.
        """
        run = _Run(self, workspace_id, has_time)
        try:
            run.counts.remove_old_items()
            run.renew()
            run.advance()
        except Overtaken:
            run.report.retry(BUILD)
        return run.report

    def restart(self, workspace_id: int) -> None:
        """Makes all counts of a workspace void, so that it is counted from the beginning.

        Raises:
            StoreUnavailable: the table can't be read or written in time.
        """
        while not self.counts_of(workspace_id).restart():
            pass

    def counts_of(self, workspace_id: int) -> WorkspaceCounts:
        """Returns a workspace's counts as they are now.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        basis = basis_of(self.zone)
        return WorkspaceCounts(self.client, self.tables.rollups, workspace_id, basis, self.clock)


class _Run:
    """One run of a counter over one workspace."""

    def __init__(self, counter: Counter, workspace_id: int, has_time: Callable[[], bool]) -> None:
        self.report = Report()
        self.counts = counter.counts_of(workspace_id)
        self._zone, self._clock, self._has_time = counter.zone, counter.clock, has_time
        self._rows = partial(read_copies, counter.client, counter.tables.by_source, workspace_id)

    def renew(self) -> None:
        """Reads again what marks have made unbelievable, and removes marks that are done with.

        Another run is requested for the marks that are left, unless one comes anyway: a mark that
        was put a moment ago has its writer's request. If each run requested another one, the queue
        would grow as long as late rows come.
        """
        marks, revision = self.counts.marks.marked_at, self.counts.watermark.revision
        left: list[datetime] = []
        is_followed = False
        for span in sorted(marks, key=marks.__getitem__):
            marked_at = from_milliseconds(marks[span])
            self.report.oldest_mark = self.report.oldest_mark or marked_at
            if self._clock() <= marked_at + MARGIN:
                is_followed = True
                break  # what is built now would not be believed
            done_at = self._renew_span(span)
            if self.counts.read_at > done_at:
                self.counts.remove_mark(span)
            else:
                left.append(done_at)
        is_built = self.counts.watermark.revision > revision
        if left and (is_built or not is_followed):
            self.report.retry(max(left) - self._clock() + timedelta(seconds=1))

    def _renew_span(self, span: str) -> datetime:
        """Reads again what a mark overlaps; returns the moment after which the mark may go."""
        mark = Marks({span: self.counts.marks.marked_at[span]})
        done_at = from_milliseconds(mark.marked_at[span]) + MARGIN + BUILD
        for number, low, high in self._days_of(span):
            day = self.counts.day(number)
            for part in filter(mark.is_stale, [*with_gaps(day.blocks, low, high)]):
                self.report.stale += 1
                day = self._fill(day, part.low, part.high, self._clock())
            if not self._has_time():
                self.report.retry()
                return self._clock() + READ
            done_at = max(done_at, from_milliseconds(day.committed_at) + READ)
        return done_at

    def advance(self) -> None:
        """Puts rows that are old enough into blocks, oldest first, if there are enough of them."""
        end = horizon(self._clock())
        waiting = self._rows(self.counts.watermark.sort_key, end, MIN_ROWS)
        if sum(1 for _ in islice(waiting, MIN_ROWS)) < MIN_ROWS:
            return
        while self._has_time():
            # Before the first read: what lies between the watermark and that row must be empty.
            read_at, watermark = self._clock(), self.counts.watermark.sort_key
            first = next(self._rows(watermark, end, 1), None)
            self.report.lag = timedelta()
            if first is None:
                return
            moment = moment_of(first[0])
            self.report.lag = read_at - moment
            number = day_of(moment, self._zone)
            day = self.counts.day(number)
            low, high = bounds_of(number, self._zone)
            if day.blocks:
                last = day.blocks[-1]
                # A block that is not full is read again, so that a day has few blocks.
                low = last.high if last.is_full else last.low
            self._fill(day, low, min(high, end), read_at)
            if self.counts.watermark.sort_key == watermark and self._has_time():
                # Items were changed by hand, and lead nowhere.
                self.report.retry(BUILD)
                return
        self.report.retry()

    def _fill(self, day: Day, low: str, high: str, read_at: datetime) -> Day:
        """Puts the rows of a range of a day into blocks, in place of the blocks that begin there.

        Returns the day as it is then. If time is up, a part of the range may be left.

        Args:
            day: the day as it is stored.
            low, high: the range.
            read_at: when reading began of all that the first commit relies on.

        Raises:
            Overtaken: another counter has committed, or too much time has passed.
            StoreUnavailable: a table can't be read or written in time.
        """
        rows = self._rows(low, high)
        while low < high and self._has_time():
            block, contents = build(rows, day.day, low, high, read_at)
            day = self.counts.commit(day, block, contents)
            self.report.rows += block.rows
            low = block.high
            if may_have_taken_more(block) or self._clock() - read_at >= READ_ON:
                read_at, rows = self._clock(), self._rows(low, high)
        return day

    def _days_of(self, span: str) -> Iterator[tuple[date, str, str]]:
        """Yields the days that a mark's span overlaps, and their bounds below the watermark."""
        watermark = self.counts.watermark.sort_key
        day = day_of(datetime.fromisoformat(span).replace(tzinfo=UTC), self._zone)
        low, high = bounds_of(day, self._zone)
        while low < min(span + GREATEST, watermark):
            yield day, low, min(high, watermark)
            day += timedelta(days=1)
            low, high = bounds_of(day, self._zone)
