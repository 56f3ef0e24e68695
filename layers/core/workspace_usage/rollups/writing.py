"""A workspace's counts, as the counter reads and changes them.

Every commit is one transaction: a day's new list of blocks and the watermark, on the condition that
the watermark is as it was read. If two counters meet, one of them commits and the other one stops.
A counter may end at any moment: each commit leaves the counts better, and nothing else changes.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.batch_writes import write_batches
from workspace_usage.aws.dynamodb import (
    Attributes,
    item_key,
    query_between,
    read_items,
)
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable, pack
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import BUILD, UNREAD, Block
from workspace_usage.rollups.items import Day, Watermark
from workspace_usage.values import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COMMIT: Final = timedelta(seconds=20)
"""The part of ``BUILD`` that is kept for the commit."""


class Overtaken(Exception):
    """Another counter has committed since the watermark was read."""


class WorkspaceCounts:
    """The counts of one workspace.

    Attributes:
        read_at: when reading of the watermark and the marks began.
        watermark: the watermark as it was read, or as it was left by this object's last commit.
        marks: the marks as they were read.

    Args:
        client: reads and writes the table.
        table: its name.
        workspace_id: the workspace.
        basis: what days are made by (``items.basis_of``).
        clock: gives the current time (aware).

    All methods raise StoreUnavailable if the table can't be read or written in time.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        workspace_id: int,
        basis: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._clock = client, clock
        self._table, self._workspace_id = table, workspace_id
        self.read_at = clock()
        state = list(read_items(client, items.state_query(table, workspace_id)))
        self._opened = [key for item in state if items.is_open(key := item["sort_key"]["S"])]
        stored, self.marks = items.state_of(state)
        self._stored = stored
        is_usable = stored is not None and stored.basis == basis
        self.watermark = (
            stored if stored and is_usable else Watermark.restart(basis, stored, self.read_at)
        )

    def restart(self) -> bool:
        """Makes all counts void; returns whether that was done, before anybody else's commit."""
        basis = self.watermark.basis
        return self._write_with(Watermark.restart(basis, self._stored, self._clock()))

    def day(self, day: date) -> Day:
        """Returns a day's blocks; none if they are void, or can't be read."""
        query = items.days_query(self._table, self._workspace_id, day, day)
        for item in read_items(self._client, query):
            with suppress(Unreadable):
                found = Day.from_item(item)
                if found.epoch == self.watermark.epoch:
                    return found
        return Day(day, 0, 0, ())

    def commit(self, day: Day, block: Block, contents: dict[str, Any]) -> Day:
        """Puts a block into a day, in place of those that begin in its range.

        What it leaves of the range of a replaced block becomes unread. The watermark moves to the
        block's end, if it is not beyond that.

        Args:
            day: the day as it is stored.
            block: the block; one without rows is not stored, unless it is ``UNREAD``.
            contents: its contents by their kind.

        Returns:
            The day as it is stored now.

        Raises:
            Overtaken: another counter has committed, or reading began too long ago.
        """
        replaced = [old for old in day.blocks if block.low <= old.low < block.high]
        watermark = max(self.watermark.sort_key, block.high)
        if replaced == _stored(block) and watermark == self.watermark.sort_key:
            return day
        opened = items.open_key(day.day, block.id)
        if contents:
            # What a counter that is killed leaves behind is found by this item.
            self._put([item_key(self._workspace_id, opened)])
            self._put(self._items_of(day, block, contents))
        now = self._clock()
        moved = self.watermark.moved(watermark, now, now + COMMIT)
        committed_at = to_milliseconds(now + COMMIT)
        changed = Day(day.day, moved.epoch, committed_at, _replace(day, replaced, block))
        read_at = now if block.read_at == UNREAD else from_milliseconds(block.read_at)
        is_late = now - read_at > BUILD - COMMIT
        if is_late or not self._write_with(moved, changed, opened if contents else None):
            self._delete([*items.contents_of(day.day, block), opened])
            raise Overtaken
        self.watermark = self._stored = moved
        self._delete(key for old in replaced for key in items.contents_of(day.day, old))
        return changed

    def remove_mark(self, span: str) -> bool:
        """Removes a mark; returns False if it has been put again since it was read."""
        marked_at = {"N": str(self.marks.marked_at[span])}
        with aws_errors_as_unavailable():
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key=item_key(self._workspace_id, items.mark_key(span)),
                    ConditionExpression="marked_at = :marked_at",
                    ExpressionAttributeValues={":marked_at": marked_at},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def remove_old_items(self) -> None:
        """Removes what nothing refers to: items of older versions, and contents of old blocks.

        A block that was read ``BUILD`` ago and has not been committed never will be.
        """
        limit = to_milliseconds(self.read_at - BUILD)
        old = [key for opened in self._opened for key in items.contents_of_open(opened)]
        if self.watermark.sort_key == items.NOTHING:
            old += self._keys_between(items.CONTENT, f"{items.CONTENT}~")
        old += self._opened
        old = [key for key in old if items.read_at_of(items.block_id_of(key)) < limit]
        self._delete(dict.fromkeys(old + self._keys_between(f"{items.VERSION}~", "~")))

    def _write_with(
        self, watermark: Watermark, day: Day | None = None, opened: str | None = None
    ) -> bool:
        """Writes the watermark and a day, or nothing if the watermark has been changed."""
        put: dict[str, Any] = {"Item": watermark.to_item(self._workspace_id)}
        if self._stored is None:
            put["ConditionExpression"] = "attribute_not_exists(revision)"
        else:
            put["ConditionExpression"] = "revision = :revision"
            put["ExpressionAttributeValues"] = {":revision": {"N": str(self._stored.revision)}}
        writes: list[Any] = [{"Put": put}]
        if day is not None:
            writes.append({"Put": {"Item": day.to_item(self._workspace_id)}})
        if opened is not None:
            writes.append({"Delete": {"Key": item_key(self._workspace_id, opened)}})
        for [parameters] in (write.values() for write in writes):
            parameters["TableName"] = self._table
        return write_all_or_nothing(self._client, writes)

    def _items_of(self, day: Day, block: Block, contents: dict[str, Any]) -> Iterator[Attributes]:
        for kind, content in contents.items():
            sort_key = items.content_key(kind, day.day, block.id)
            yield {**item_key(self._workspace_id, sort_key), "content": pack(content)}

    def _put(self, new: Iterable[Attributes]) -> None:
        self._write({"PutRequest": {"Item": item}} for item in new)

    def _delete(self, sort_keys: Iterable[str]) -> None:
        keys = (item_key(self._workspace_id, sort_key) for sort_key in sort_keys)
        self._write({"DeleteRequest": {"Key": key}} for key in keys)

    def _write(self, requests: Iterable[Any]) -> None:
        write_batches(self._client, self._table, requests)

    def _keys_between(self, low: str, high: str) -> list[str]:
        query = query_between(self._table, self._workspace_id, low, high)
        return [item["sort_key"]["S"] for item in read_items(self._client, query)]


def _stored(block: Block) -> list[Block]:
    """Returns the block, or none if it needs no place in a day, since it has no rows."""
    return [block] if block.rows or block.read_at == UNREAD else []


def _replace(day: Day, replaced: list[Block], block: Block) -> tuple[Block, ...]:
    """Returns a day's blocks after a block has replaced others."""
    blocks = [old for old in day.blocks if old not in replaced] + _stored(block)
    end = max((old.high for old in replaced), default="")
    if block.high < end:
        blocks.append(Block(block.high, end, UNREAD))
    return tuple(sorted(blocks, key=lambda block: block.low))
