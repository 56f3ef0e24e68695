"""Checks the counts of workspaces: how old they are, and a sample of them against the rows."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from usagectl.count_state import WATERMARK, CountState, read_state, rows_between, waiting_rows
from usagectl.deployment import Deployment
from usagectl.findings import FAILURES, Finding, Problem, find
from usagectl.resources import Resources
from workspace_usage.aws.dynamodb import StoredItem, item_key, read_items
from workspace_usage.aws.packing import Unreadable, pack, unpack
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import Block, overlaps, with_gaps
from workspace_usage.rollups.build import build
from workspace_usage.rollups.items import Day
from workspace_usage.rollups.totals import KINDS, Totals
from workspace_usage.rows.copies import RowCopies
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.window import bounds_of, day_of
from workspace_usage.values import MAX_ID, format_timestamp, from_milliseconds

MAX_WORKSPACES: Final = 3
"""The most workspaces that are checked if none is named."""

MAX_BLOCKS: Final = 5
"""The most blocks of a workspace, and the most gaps, that are looked at."""

MAX_MARK_AGE: Final = timedelta(minutes=30)
"""How old a mark may be. The counter removes marks after some minutes."""

MAX_WAIT: Final = timedelta(hours=1)
"""How long rows may wait to be counted."""


def examine(deployment: Deployment, workspace_id: int | None) -> Iterator[Finding]:
    """Yields what is found of the counts of a workspace, or of some workspaces at random."""
    try:
        resources = deployment.resources
        workspaces = _sample_workspaces(resources) if workspace_id is None else [workspace_id]
    except FAILURES as error:
        yield Finding("counts", is_well=False, detail=str(error))
        return
    if not workspaces:
        yield Finding("counts", is_well=None, detail="no workspace is counted yet")
    for found in workspaces:
        counts = CountsCheck(resources, found)
        yield find(f"counts of workspace {found}", counts.check_age)
        yield find(f"counts of workspace {found}, a sample", counts.check_sample)


def _sample_workspaces(resources: Resources) -> list[int]:
    """Returns some workspaces that have counts or marks."""
    client, table = resources.dynamodb, resources.tables.rollups
    workspaces = set[int]()
    for _ in range(MAX_WORKSPACES):
        # A Scan is in the order of the partition keys' hashes, so it may begin at a random place.
        start = item_key(random.randint(1, MAX_ID), "~")  # noqa: S311 - not a secret
        page = client.scan(TableName=table, Limit=1, ExclusiveStartKey=start)
        items_ = page["Items"] or client.scan(TableName=table, Limit=1)["Items"]
        workspaces.update(int(item["workspace_id"]["N"]) for item in items_)
    return sorted(workspaces)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the part of a workspace that is counted consists of.

    Attributes:
        blocks: the blocks that are believed, and that have rows.
        gaps: the gaps between blocks that are believed: no rows are there.
        stale: how many blocks that have rows are not believed.
    """

    blocks: list[Block]
    gaps: list[Block]
    stale: int


@dataclass(frozen=True, slots=True)
class CountsCheck:
    """Checks the counts of one workspace."""

    resources: Resources
    workspace_id: int

    def check_age(self) -> str:
        """Returns how old the counts are.

        Raises:
            Problem: the watermark can't be read, a mark is too old, or rows have waited for too
                long.
        """
        now = self.resources.clock()
        state = self._state()
        mark_age = max(
            (now - from_milliseconds(at) for at in state.marks.marked_at.values()), default=None
        )
        if mark_age is not None and mark_age > MAX_MARK_AGE:
            raise Problem(
                f"the oldest mark is {_text(mark_age)} old, so the counter does not work; see"
                " docs/operations.md"
            )
        oldest = "no marks" if mark_age is None else f"the oldest mark is {_text(mark_age)} old"
        return f"{oldest}; {self._check_wait(state, now)}"

    def _check_wait(self, state: CountState, now: datetime) -> str:
        """Returns how long rows have waited to be counted.

        Raises:
            Problem: too long.
        """
        waiting = waiting_rows(self.resources, self.workspace_id, state.counted_to, now)
        if not waiting:
            return "no rows wait"
        created_at = moment_of(waiting[0])
        known = _known_since(state, waiting[0])
        if known is None or known <= created_at:
            # It was recorded at once, or its mark is gone, and nobody knows when it came.
            wait = now - created_at
            text = f"the oldest row that waits to be counted is {_text(wait)} old"
        else:
            wait = now - known
            text = f"rows have waited for {_text(wait)} to be counted"
        if wait <= MAX_WAIT:
            return text
        if state.watermark is not None and not state.is_usable:
            text += ", and the counts are of another time zone or another release"
        raise Problem(
            f"{text}; usagectl recount -w {self.workspace_id} asks for it; see docs/operations.md"
        )

    def check_sample(self) -> str:
        """Builds some blocks again, and compares them with those that are stored.

        Some of the gaps between blocks are read as well. They must be empty.

        Raises:
            Problem: an item can't be read; or a block or a gap that is believed is wrong.
        """
        parts = self._parts()
        sample = _some(parts.blocks)
        for block in sample + _some(parts.gaps):
            fault = self._fault(block)
            if fault is not None:
                parts_now = self._parts()
                if block in parts_now.blocks + parts_now.gaps:
                    raise Problem(f"{fault}; {self._remedy}")
        if sample:
            rows = sum(block.rows for block in sample)
            return f"right: {rows:,} rows in {len(sample)} of {len(parts.blocks)} blocks"
        if parts.stale:
            return "no block can be believed at the moment, because rows have changed"
        return "nothing is counted"

    @property
    def _remedy(self) -> str:
        return (
            f"usagectl recount -w {self.workspace_id} --reset counts the workspace from the"
            " beginning"
        )

    def _state(self) -> CountState:
        state = read_state(self.resources, self.workspace_id)
        if not state.is_readable:
            raise Problem(f"the item {WATERMARK} can't be read; {self._remedy}")
        return state

    def _parts(self) -> _Parts:
        """Returns the blocks and the gaps. Marks are read before days."""
        state = self._state()
        blocks = self._blocks(state)
        covered = with_gaps(blocks, items.NOTHING, state.counted_to)
        believed = [part for part in covered if not state.marks.is_stale(part)]
        with_rows = [block for block in believed if block.rows]
        return _Parts(
            blocks=with_rows,
            gaps=[gap for gap in believed if not gap.rows],
            stale=sum(bool(block.rows) for block in blocks) - len(with_rows),
        )

    def _blocks(self, state: CountState) -> list[Block]:
        """Returns the blocks that count, also those that are not believed.

        Days above the watermark are void.
        """
        if state.watermark is None or state.counted_to == items.NOTHING:
            return []
        last = day_of(moment_of(state.counted_to), self.resources.zone)
        table, blocks = self.resources.tables.rollups, list[Block]()
        request = items.days_query(table, self.workspace_id, date.min, last)
        for item in read_items(self.resources.dynamodb, request):
            try:
                day = Day.from_item(item)
            except Unreadable:
                self._check_needed(item)
                continue
            if day.epoch == state.watermark.epoch:
                blocks += day.blocks
        return blocks

    def _check_needed(self, item: StoredItem) -> None:
        """Raises ``Problem`` if a day has rows whose counts can't be read.

        The counter replaces the item when it counts rows of the day. If there are none, it stays,
        and does no harm.
        """
        low, high = bounds_of(items.day_of_item(item), self.resources.zone)
        rows = rows_between(self.resources, self.workspace_id, low, high, 1)
        if next(rows, None) is not None:
            sort_key = item["sort_key"]["S"]
            raise Problem(f"the item {sort_key} can't be read; {self._remedy}")

    def _fault(self, part: Block) -> str | None:
        """Returns what is wrong with a block or a gap, or None if it is right."""
        rows = rows_between(self.resources, self.workspace_id, part.low, part.high)
        if not part.rows:
            return None if next(rows, None) is None else f"rows {_span(part)} are not counted"
        day = day_of(moment_of(part.low), self.resources.zone)
        difference = self._difference(part, day, rows)
        return difference and f"the counts of {day} are wrong ({difference})"

    def _difference(
        self, block: Block, day: date, rows: Iterator[tuple[str, RowCopies]]
    ) -> str | None:
        """Returns what a block has that its rows don't lead to, or None if it is right."""
        read_at = from_milliseconds(block.read_at)
        built, contents = build(rows, day, block.low, block.high, read_at)
        if next(rows, None) is not None or built.rows != block.rows:
            return f"number of rows {_span(block)}"
        if replace(built, id=block.id) != block:
            return f"types or users of the rows {_span(block)}"
        for kind, content in contents.items():
            sort_key = items.content_key(kind, block.id)
            fault = self._content_fault(sort_key, kind, unpack(pack(content)))
            if fault is not None:
                return f"the item {sort_key} {fault}"
        return None

    def _content_fault(self, sort_key: str, kind: str, content: Any) -> str | None:
        """Returns what is wrong with a content, or None if it is as it should be."""
        response = self.resources.dynamodb.get_item(
            TableName=self.resources.tables.rollups,
            Key=item_key(self.workspace_id, sort_key),
            ConsistentRead=True,
        )
        item: Mapping[str, Any] | None = response.get("Item")
        if item is None:
            return "is missing"
        try:
            stored = _parsed(kind, unpack(item.get("content", {})))
        except Unreadable:
            return "can't be read"
        return None if stored == _parsed(kind, content) else "is wrong"


def _known_since(state: CountState, waiting: str) -> datetime | None:
    """Returns since when a row can have waited at most, or None if its own moment is all we know.

    It was not there, or counted, when the watermark moved to where it is, or when counting was
    begun again. If it came late, it came with a mark, but marks are removed before rows are
    counted.
    """
    row = Block(waiting, f"{waiting}~")
    known = [at for span, at in state.marks.marked_at.items() if overlaps(span, row)]
    if state.watermark is not None and state.is_usable:
        known += state.watermark.moved_at, state.watermark.epoch
    return from_milliseconds(max(known)) if known else None


def _parsed(kind: str, content: Any) -> Any:
    """Returns a content so that two that say the same are equal."""
    is_totals = kind.partition("/")[0] in KINDS
    return Totals.from_content(content) if is_totals else content


def _some(blocks: list[Block]) -> list[Block]:
    return random.sample(blocks, min(MAX_BLOCKS, len(blocks)))


def _span(part: Block) -> str:
    """Returns between which times a part lies, in words."""
    high = format_timestamp(moment_of(part.high))
    if part.low == items.NOTHING:
        return f"before {high}"
    return f"between {format_timestamp(moment_of(part.low))} and {high}"


def _text(duration: timedelta) -> str:
    """Returns a duration in words; a time that a clock has ahead of ours counts as now."""
    minutes = max(duration, timedelta()) // timedelta(minutes=1)
    if minutes < 2 * 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} hours" if hours < 2 * 24 else f"{hours // 24:,} days"
