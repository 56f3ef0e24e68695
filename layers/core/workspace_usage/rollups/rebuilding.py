"""A workspace's rows counted from the beginning, a month at a time.

Whoever does it holds the workspace under a generation of its own: nobody uses its counts or goes on
with them, until the head says that all are there. Each item is put on the condition that none of a
later generation is there. So someone who took so long that another began can't spoil what that one
has counted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rollups.counts import Progress, horizon, read_head, replace_head
from workspace_usage.rollups.items import (
    MARKS,
    SEGMENT,
    Chunk,
    Head,
    Month,
    RowList,
    chunk_key,
    day_of,
    has_chunks,
    month_key,
)
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HELD_FOR: Final = timedelta(minutes=20)
"""How long it may take until another may begin: longer than a function may run."""

OLDER: Final = (timedelta(), timedelta(hours=2), timedelta(days=2))
"""By how much older rows are than they have to be, attempt by attempt. Those that come late are
mostly late by little: they don't disturb who counts what is older."""

ATTEMPTS_TO_LET_GO: Final = 8
"""How often it is tried to give a workspace back, with ever longer breaks: some seconds in all."""

BATCH: Final = 1000
"""Rows after which it looks whether there is time for more."""

WRITERS: Final = 8
"""Items that are put at the same time."""

type Rows = Iterator[tuple[str, frozenset[RowList]]]
"""Sort keys, oldest first, and the lists that show the row there."""


@dataclass(frozen=True, slots=True)
class Rebuilder:
    """Counts the rows of one workspace from the beginning.

    Attributes:
        table: the table of counts.
        zone: the time zone by whose days rows are counted.
    """

    client: "DynamoDBClient"
    table: str
    workspace_id: int
    zone: tzinfo

    def rebuild(
        self, rows: Callable[[str], Rows], now: datetime, has_time: Callable[[], bool]
    ) -> Progress:
        """Counts what ``rows`` gives, which is told before which sort key to end.

        What there was no time for is left to those who go on. Rows that come late among those that
        are being counted make it begin again, with older ones; in the end with no more than can be
        counted in a moment. When even that was disturbed, the workspace is left uncounted.

        Raises:
            StoreUnavailable: the table can't be read or written in time.
        """
        for older in OLDER:
            progress = self._try(rows, now, older, has_time)
            if progress is not None:
                return progress
        return self._try(rows, now, OLDER[-1], lambda: False) or Progress.HELD_UP

    def _try(
        self,
        rows: Callable[[str], Rows],
        now: datetime,
        older: timedelta,
        has_time: Callable[[], bool],
    ) -> Progress | None:
        """Counts rows that are by so much older than they have to be; None: it was disturbed."""
        old = self._head()
        if old is not None and old.held_until > format_timestamp(now):
            return Progress.HELD_UP
        end = horizon(now - older)
        held = self._next(old, now, end)
        if not self._replace(old, held):
            return None
        try:
            until, is_complete = self._write(rows(end), held, has_time)
        except StoreUnavailable:
            with suppress(StoreUnavailable):  # it is over when its time is
                self._let_go(held)
            raise
        if until is None:
            return None
        if self._replace(held, held.released(until or end)):
            return Progress.DONE if is_complete and not older else Progress.UNFINISHED
        self._let_go(held)
        return None

    def _next(self, old: Head | None, now: datetime, end: str) -> Head:
        held_until = format_timestamp(now + HELD_FOR)
        return replace(Head.anew(old, self.zone), held_until=held_until, counting_until=end)

    def _let_go(self, held: Head) -> None:
        """Gives up what was counted under a head that rows have changed since."""
        # Rows may go on coming. If it fails to the last, it is over when the time is.
        for attempt in range(ATTEMPTS_TO_LET_GO):
            wait_before_retry(attempt, base_seconds=0.02)
            now = self._head()
            if now is None or (now.generation, now.held_until) != (
                held.generation,
                held.held_until,
            ):
                return
            if self._replace(now, now.released("")):
                return

    def _write(
        self, rows: Rows, held: Head, has_time: Callable[[], bool]
    ) -> tuple[str | None, bool]:
        """Writes the counts of ``rows``, as far as there is time.

        Returns the last sort key that is counted (None: somebody else has begun), and whether it
        was the last there is.
        """
        tally, until, is_complete = _Tally(), "", True
        with ThreadPoolExecutor(WRITERS) as executor:
            for some in batched(rows, BATCH, strict=False):
                for sort_key, lists in some:
                    day = day_of(sort_key, self.zone)
                    if tally.is_of_another_month(day):
                        if not self._put(executor, tally, replace(held, counted_until=until)):
                            return None, False
                        tally = _Tally()
                    tally.add(sort_key, day, lists)
                    until = sort_key
                if not has_time():
                    is_complete = False
                    break
            is_written = self._put(executor, tally, replace(held, counted_until=until))
        return until if is_written else None, is_complete

    def _put(self, executor: ThreadPoolExecutor, tally: "_Tally", head: Head) -> bool:
        """Puts a month's items; False if there are some of a later generation."""
        items = tally.items(self.workspace_id, head)
        return all(executor.map(self._put_item, items))

    def _put_item(self, item: dict[str, Any]) -> bool:
        with aws_errors_as_unavailable():
            try:
                self.client.put_item(
                    TableName=self.table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(sort_key) OR generation <= :mine",
                    ExpressionAttributeValues={":mine": item["generation"]},
                )
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _head(self) -> Head | None:
        return read_head(self.client, self.table, self.workspace_id)

    def _replace(self, old: Head | None, new: Head) -> bool:
        return replace_head(self.client, self.table, self.workspace_id, old, new)


@dataclass(slots=True)
class _Day:
    """What is counted of a list's day: its rows, and the sort key of every fiftieth."""

    rows: int = 0
    starts: list[str] = field(default_factory=list)

    def chunks(self) -> Iterator[Chunk]:
        """The day's chunks, oldest first."""
        left = self.rows
        for number, starts in enumerate(batched(self.starts, MARKS, strict=False)):
            counts = [min(SEGMENT, left - SEGMENT * n) for n in range(len(starts))]
            left -= sum(counts)
            after = self.starts[(number + 1) * MARKS :][:1]
            first = ("",) if number == 0 else starts[:1]
            yield Chunk([*first, *starts[1:]], counts, after[0] if after else None)


class _Tally:
    """What is counted of one month."""

    def __init__(self) -> None:
        self._month: tuple[int, int] | None = None
        self._days: dict[date, defaultdict[RowList, _Day]] = {}

    def is_of_another_month(self, day: date) -> bool:
        """Whether a row of ``day`` belongs in another tally than those so far."""
        return self._month not in (None, (day.year, day.month))

    def add(self, sort_key: str, day: date, lists: frozenset[RowList]) -> None:
        """Counts a row that comes after all others."""
        self._month = (day.year, day.month)
        found = self._days.setdefault(day, defaultdict(_Day))
        for row_list in lists:
            counted = found[row_list]
            if counted.rows % SEGMENT == 0:
                counted.starts.append(sort_key)
            counted.rows += 1

    def items(self, workspace_id: int, head: Head) -> Iterator[dict[str, Any]]:
        """The items of the month, as of ``head``."""
        months: defaultdict[str, Month] = defaultdict(Month)
        for day, lists in self._days.items():
            for row_list, counted in lists.items():
                month = months[month_key(row_list, day)]
                chunks = list(counted.chunks())
                counts = month.counts(row_list.agent_type, day)
                counts[:] = [sum(chunk.counts) for chunk in chunks]
                if not has_chunks(counts):
                    continue
                for number, chunk in enumerate(chunks):
                    sort_key = chunk_key(row_list, day, number)
                    yield chunk.to_item(workspace_id, sort_key, head)
        for sort_key, month in months.items():
            yield month.to_item(workspace_id, sort_key, head)
