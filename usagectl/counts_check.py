"""Checks the counts of workspaces: how old they are, and a sample of them against the rows."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from usagectl.count_state import counter_of, rows_between, waiting_rows
from usagectl.deployment import Deployment
from usagectl.findings import FAILURES, Finding, Problem, find
from usagectl.resources import Resources
from workspace_usage.aws.dynamodb import item_key, read_items
from workspace_usage.aws.packing import pack, unpack
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import Block, overlaps, with_gaps
from workspace_usage.rollups.build import build
from workspace_usage.rollups.items import Day
from workspace_usage.rollups.totals import KINDS, Totals
from workspace_usage.rollups.writing import WorkspaceCounts
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.window import day_of
from workspace_usage.values import MAX_ID, from_milliseconds

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
class CountsCheck:
    """Checks the counts of one workspace."""

    resources: Resources
    workspace_id: int

    def check_age(self) -> str:
        """Returns how old the counts are.

        Raises:
            Problem: a mark is too old, or rows have waited for too long.
        """
        now = self.resources.clock()
        counts = self._counts()
        mark_age = max(
            (now - from_milliseconds(at) for at in counts.marks.marked_at.values()), default=None
        )
        if mark_age is not None and mark_age > MAX_MARK_AGE:
            raise Problem(
                f"the oldest mark is {_minutes(mark_age)} old, so the counter does not work; see"
                " docs/operations.md"
            )
        wait = self._longest_wait(counts, now)
        if wait is not None and wait > MAX_WAIT:
            raise Problem(
                f"rows have waited for {_minutes(wait)} to be counted; usagectl recount -w"
                f" {self.workspace_id} asks for it; see docs/operations.md"
            )
        oldest = "no marks" if mark_age is None else f"the oldest mark is {_minutes(mark_age)} old"
        waiting = "no rows wait" if wait is None else f"rows have waited for {_minutes(wait)}"
        return f"{oldest}; {waiting}"

    def _longest_wait(self, counts: WorkspaceCounts, now: datetime) -> timedelta | None:
        """Returns how long rows have waited to be counted, or None if too few wait.

        A row has waited since its moment; if it came late, at most since the mark of its hour. A
        watermark that moves will come to it.
        """
        waiting = waiting_rows(self.resources, self.workspace_id, counts, now)
        if not waiting:
            return None
        oldest = waiting[0]
        row = Block(oldest, f"{oldest}~")
        marks = counts.marks.marked_at.items()
        marked_at = (moment for span, moment in marks if overlaps(span, row))
        since = from_milliseconds(max(counts.watermark.moved_at, *marked_at, 0))
        return now - max(since, moment_of(oldest))

    def check_sample(self) -> str:
        """Builds some blocks again, and compares them with those that are stored.

        Some of the gaps between blocks are read as well. They must be empty.

        Raises:
            Problem: a block or a gap that is believed is wrong.
        """
        blocks, gaps = self._believed()
        sample = _some(blocks)
        for block in sample + _some(gaps):
            difference = self._difference(block)
            if difference is not None and any(block in some for some in self._believed()):
                raise Problem(
                    f"the counts from {block.low[:10]} on are wrong ({difference}); usagectl"
                    f" recount -w {self.workspace_id} --reset counts the workspace from the"
                    " beginning"
                )
        if not sample:
            return "nothing is counted"
        rows = sum(block.rows for block in sample)
        return f"right: {rows:,} rows in {len(sample)} of {len(blocks)} blocks"

    def _believed(self) -> tuple[list[Block], list[Block]]:
        """Returns the blocks and the gaps that are believed. Marks are read before days."""
        counts = self._counts()
        table = self.resources.tables.rollups
        request = items.days_query(table, self.workspace_id, date.min, date.max)
        days = map(Day.from_item, read_items(self.resources.dynamodb, request))
        epoch, watermark = counts.watermark.epoch, counts.watermark.sort_key
        blocks = [block for day in days if day.epoch == epoch for block in day.blocks]
        covered = with_gaps(blocks, items.NOTHING, watermark)
        believed = [part for part in covered if not counts.marks.is_stale(part)]
        return [b for b in believed if b.rows], [b for b in believed if not b.rows]

    def _counts(self) -> WorkspaceCounts:
        return counter_of(self.resources).counts_of(self.workspace_id)

    def _difference(self, block: Block) -> str | None:
        """Returns what a block has that its rows don't lead to, or None if it is right."""
        rows = rows_between(self.resources, self.workspace_id, block.low, block.high)
        built, contents = build(rows, block.low, block.high, from_milliseconds(block.read_at))
        if next(rows, None) is not None or built.rows != block.rows:
            return f"rows between {block.low} and {block.high}"
        if replace(built, id=block.id) != block:
            return "rows by type or user"
        for kind, content in contents.items():
            stored = self._content(block, kind)
            if stored is None:
                return f"{kind} is missing"
            if _parsed(kind, stored) != _parsed(kind, unpack(pack(content))):
                return kind
        return None

    def _content(self, block: Block, kind: str) -> Any | None:
        day = day_of(moment_of(block.low), self.resources.zone)
        response = self.resources.dynamodb.get_item(
            TableName=self.resources.tables.rollups,
            Key=item_key(self.workspace_id, items.content_key(kind, day, block.id)),
            ConsistentRead=True,
        )
        item: Mapping[str, Any] | None = response.get("Item")
        return None if item is None else unpack(item["content"])


def _parsed(kind: str, content: Any) -> Any:
    """Returns a content so that two that say the same are equal."""
    is_totals = kind.partition("/")[0] in KINDS
    return Totals.from_content(content) if is_totals else content


def _some(blocks: list[Block]) -> list[Block]:
    return random.sample(blocks, min(MAX_BLOCKS, len(blocks)))


def _minutes(duration: timedelta) -> str:
    return f"{duration // timedelta(minutes=1):,} min"
