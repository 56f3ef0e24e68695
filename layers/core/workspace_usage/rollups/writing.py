"""A workspace's counts, as the counter reads and changes them.

Every commit is one transaction: a day's new list of blocks and the watermark, on the condition that
the watermark is as it was read. If two counters meet, one of them commits and the other one stops.
A counter may end at any moment: each commit leaves the counts better, and nothing else changes.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.batch_writes import write_batches
from workspace_usage.aws.dynamodb import Attributes, item_key, query_between, read_items
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable, pack
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import BUILD, UNREAD, Block
from workspace_usage.rollups.items import Day, Watermark
from workspace_usage.values import Clock, from_milliseconds, to_milliseconds

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
        self, client: "DynamoDBClient", table: str, workspace_id: int, basis: str, clock: Clock
    ) -> None:
        self._client, self._clock = client, clock
        self._table, self._workspace_id = table, workspace_id
        self.read_at = clock()
        state = list(read_items(client, items.state_query(table, workspace_id)))
        keys = (item["sort_key"]["S"] for item in state)
        self._opened = [sort_key for sort_key in keys if sort_key.startswith(items.OPEN)]
        watermark, self.marks = items.state_of(state)
        self._stored = watermark
        if watermark is None or watermark.basis != basis:
            watermark = Watermark.restart(basis, watermark, self.read_at)
        self.watermark = watermark

    def restart(self) -> bool:
        """Makes all counts void; returns whether that was done, before anybody else's commit."""
        return self._write(Watermark.restart(self.watermark.basis, self._stored, self._clock()))

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
        blocks = _with_block(day.blocks, block)
        watermark = max(self.watermark.sort_key, block.high)
        if blocks == day.blocks and watermark == self.watermark.sort_key:
            return day
        # What a counter that is killed leaves behind is found by this item.
        opened = [items.open_key(block.id)] if contents else []
        self._put({sort_key: {} for sort_key in opened})
        stored = {
            items.content_key(kind, block.id): {"content": pack(content)}
            for kind, content in contents.items()
        }
        self._put(stored)
        now = self._clock()
        moved = self.watermark.moved(watermark, now, now + COMMIT)
        changed = Day(day.day, moved.epoch, to_milliseconds(now + COMMIT), blocks)
        read_at = now if block.read_at == UNREAD else from_milliseconds(block.read_at)
        is_late = now - read_at > BUILD - COMMIT
        table = {"TableName": self._table}
        put = {"Put": table | {"Item": changed.to_item(self._workspace_id)}}
        deletes = [{"Delete": table | {"Key": self._key(sort_key)}} for sort_key in opened]
        if is_late or not self._write(moved, put, *deletes):
            self._delete([*stored, *opened])
            raise Overtaken
        self.watermark = self._stored = moved
        replaced = (old for old in day.blocks if old not in blocks)
        self._delete(key for old in replaced for key in items.contents_of(old))
        return changed

    def remove_mark(self, span: str) -> None:
        """Removes a mark, unless it has been put again since it was read."""
        marked_at = {"N": str(self.marks.marked_at[span])}
        is_newer_there = self._client.exceptions.ConditionalCheckFailedException
        with aws_errors_as_unavailable(), suppress(is_newer_there):
            self._client.delete_item(
                TableName=self._table,
                Key=self._key(items.mark_key(span)),
                ConditionExpression="marked_at = :marked_at",
                ExpressionAttributeValues={":marked_at": marked_at},
            )

    def remove_old_items(self) -> None:
        """Removes what nothing refers to: items of older versions, and contents of old blocks.

        A block that was read ``BUILD`` ago and has not been committed never will be.
        """
        limit = to_milliseconds(self.read_at - BUILD)
        old = [key for opened in self._opened for key in items.contents_of_open(opened)]
        if self.watermark.sort_key == items.NOTHING:
            old += self._keys_between(items.CONTENT, f"{items.CONTENT}~")
        old += self._opened
        old = [key for key in old if items.read_at_of(key) < limit]
        self._delete(dict.fromkeys(old + self._keys_between(f"{items.VERSION}~", "~")))

    def _write(self, watermark: Watermark, *others: Any) -> bool:
        """Writes the watermark and others, or nothing if the watermark has been changed."""
        item = watermark.to_item(self._workspace_id)
        put: Any = {"TableName": self._table, "Item": item}
        if self._stored is None:
            put["ConditionExpression"] = "attribute_not_exists(revision)"
        else:
            put["ConditionExpression"] = "revision = :revision"
            put["ExpressionAttributeValues"] = {":revision": {"N": str(self._stored.revision)}}
        return write_all_or_nothing(self._client, [{"Put": put}, *others])

    def _put(self, new: Mapping[str, Attributes]) -> None:
        put = ({"PutRequest": {"Item": self._key(key) | others}} for key, others in new.items())
        write_batches(self._client, self._table, put)

    def _delete(self, sort_keys: Iterable[str]) -> None:
        delete = ({"DeleteRequest": {"Key": self._key(sort_key)}} for sort_key in sort_keys)
        write_batches(self._client, self._table, delete)

    def _key(self, sort_key: str) -> Attributes:
        return item_key(self._workspace_id, sort_key)

    def _keys_between(self, low: str, high: str) -> list[str]:
        query = query_between(self._table, self._workspace_id, low, high)
        return [item["sort_key"]["S"] for item in read_items(self._client, query)]


def _with_block(blocks: tuple[Block, ...], new: Block) -> tuple[Block, ...]:
    """Returns a day's blocks after a block has replaced those that begin in its range."""
    replaced = [old for old in blocks if new.low <= old.low < new.high]
    others = [old for old in blocks if old not in replaced]
    if new.rows or new.read_at == UNREAD:
        others.append(new)
    end = max((old.high for old in replaced), default="")
    if new.high < end:
        others.append(Block(new.high, end, UNREAD))
    return tuple(sorted(others, key=lambda block: block.low))
