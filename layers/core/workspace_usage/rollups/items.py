"""The items of the table Rollups.

All of a workspace's items have one partition key, ``workspace_id``, and these sort keys::

    2/block/order/2026-01-05/<name>     of a block: every 20th sort key; each row's user and type
    2/block/rows/7/2026-01-05/<name>    of a block: how many rows users have, of each type
    2/block/types/2026-01-05/<name>     of a block: totals by type, source and status
    2/block/groups/2026-01-05/<name>    totals by all dimensions but the user
    2/block/models/7/2026-01-05/<name>  totals by user and model
    2/block/users/7/2026-01-05/<name>   totals by all dimensions
    2/day/2026-01-05                    a day's blocks: bounds, read_at, rows by type
    2/mark/2026-01-05T19                a mark of an hour; 2/mark/2026-01-05 of a day
    2/open/2026-01-05/<name>            a block that is not committed yet, if its counter still runs
    2/watermark                         how far counting has come

A window's items of one kind are thus one Query. What is kept by user is divided into shards of
users, here 7. A block's id is its day and its name: ``2026-01-05/<name>``. ``2`` is the version of
the keys: readers ignore items of another version, and the counter removes them. Days are those of
the deployment's time zone; sort keys and marks are in UTC.
An item's content is JSON, compressed: what matters is how many bytes a page reads.
"""

import secrets
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from workspace_usage.aws.dynamodb import Attributes, StoredItem, item_key, query_between
from workspace_usage.aws.packing import Unreadable, pack, unpack, wrong_form_as_unreadable
from workspace_usage.rollups.blocks import UNREAD, Block, Marks
from workspace_usage.rows.window import zone_fingerprint
from workspace_usage.values import to_milliseconds

LAYOUT: Final = 2
"""The version of days and contents; to be raised when they change. Then all is counted again.

Marks stay, because recorders of an older release may still put some.
"""

VERSION: Final = "2/"
_WATERMARK: Final = f"{VERSION}watermark"
_MARK: Final = f"{VERSION}mark/"
_DAY: Final = f"{VERSION}day/"
OPEN: Final = f"{VERSION}open/"
CONTENT: Final = f"{VERSION}block/"

USER_SHARDS: Final = 8
"""Into how many items what is kept of a block by user is divided."""

NOTHING: Final = "0"
"""Less than every sort key: the watermark before anything is counted."""

SETTLED: Final = timedelta(seconds=10)
"""How old a watermark must be to be used by a reader.

DynamoDB's eventually consistent reads may give a day as it was a moment ago. A watermark of ten
seconds ago is surely not ahead of the days that are read with it.
"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a workspace is counted: every row below it is in a block.

    Attributes:
        revision: grows with every commit. A commit is conditional on it: of two counters one wins.
        epoch: the days that count; days of another epoch are void.
        basis: what its days are made by (``basis_of``); days of another basis are void.
        sort_key: the watermark.
        moved_at: when it was there at the latest, in milliseconds since 1970.
        previous, previous_at: an earlier watermark, and when it was there at the latest. When it
            was replaced, it was ``SETTLED`` old.
    """

    revision: int
    epoch: int
    basis: str
    sort_key: str = NOTHING
    moved_at: int = 0
    previous: str = NOTHING
    previous_at: int = 0

    @classmethod
    def restart(cls, basis: str, old: "Watermark | None", now: datetime) -> "Watermark":
        """Returns the watermark with which nothing is counted: all days until now are void.

        Args:
            basis: what days are made by from now on.
            old: the watermark until now, if there is one. It may be lost, with its days left. So
                the new numbers are greater than any that there was.
            now: the current time (aware).
        """
        number = to_milliseconds(now)
        if old is not None:
            number = max(number, old.revision + 1, old.epoch + 1)
        return cls(number, number, basis)

    def settled(self, now: datetime) -> str:
        """Returns the watermark that may be used by a reader who began to read at ``now``."""
        limit = to_milliseconds(now - SETTLED)
        if self.moved_at <= limit:
            return self.sort_key
        return self.previous if self.previous_at <= limit else NOTHING

    def moved(self, sort_key: str, now: datetime, moved_at: datetime) -> "Watermark":
        """Returns the watermark after a commit, which may leave it where it is.

        Args:
            sort_key: where it is after the commit.
            now: the current time (aware).
            moved_at: when the commit has taken effect at the latest.
        """
        new = replace(self, revision=self.revision + 1)
        if sort_key == self.sort_key:
            return new
        if self.settled(now) == self.sort_key:
            new = replace(new, previous=self.sort_key, previous_at=self.moved_at)
        return replace(new, sort_key=sort_key, moved_at=to_milliseconds(moved_at))

    def to_item(self, workspace_id: int) -> Attributes:
        """Returns this watermark as its item."""
        revision = {"N": str(self.revision)}
        content = pack(astuple(self))
        return {**item_key(workspace_id, _WATERMARK), "revision": revision, "content": content}


@dataclass(frozen=True, slots=True)
class Day:
    """The blocks of one day.

    Attributes:
        day: the day.
        epoch: the epoch of the watermark with which they were committed.
        committed_at: when that was done at the latest, in milliseconds since 1970.
        blocks: the blocks, oldest first; they do not overlap.
    """

    day: date
    epoch: int
    committed_at: int
    blocks: tuple[Block, ...]

    def to_item(self, workspace_id: int) -> Attributes:
        """Returns this day as its item."""
        blocks = [
            [b.low, b.high, b.id.removeprefix(f"{self.day}/"), b.rows, b.types, b.shards]
            for b in self.blocks
        ]
        content = [self.epoch, self.committed_at, blocks]
        return {**item_key(workspace_id, day_key(self.day)), "content": pack(content)}

    @classmethod
    def from_item(cls, item: StoredItem) -> "Day":
        """Returns the day that ``to_item`` made ``item`` from.

        Raises:
            Unreadable: ``to_item`` has not made it.
        """
        with wrong_form_as_unreadable():
            day, (epoch, committed_at, blocks) = day_of_item(item), unpack(item["content"])
            return cls(day, epoch, committed_at, tuple(_block(day, *block) for block in blocks))


def _block(day: date, low: str, high: str, name: str, *others: Any) -> Block:
    block_id = f"{day}/{name}" if name else ""
    return Block(low, high, read_at_of(block_id), block_id, *others)


def day_of_item(item: StoredItem) -> date:
    """Returns the day that an item is about."""
    return date.fromisoformat(item["sort_key"]["S"].removeprefix(_DAY))


def basis_of(zone: tzinfo) -> str:
    """Returns what days are made by: the rules of their time zone, and the layout of contents."""
    return f"{zone_fingerprint(zone)} {LAYOUT}"


def day_key(day: date) -> str:
    """Returns the sort key of a day."""
    return f"{_DAY}{day}"


def days_query(table: str, workspace_id: int, first: date, last: date) -> dict[str, Any]:
    """Returns the Query for the days between two days, both included."""
    return query_between(table, workspace_id, day_key(first), day_key(last))


def mark_key(span: str) -> str:
    """Returns the sort key of a mark."""
    return f"{_MARK}{span}"


def state_query(table: str, workspace_id: int) -> dict[str, Any]:
    """Returns the Query for a workspace's watermark and marks (``state_of``)."""
    return query_between(table, workspace_id, _MARK, _WATERMARK)


def state_of(items: Iterable[StoredItem]) -> tuple[Watermark | None, Marks]:
    """Returns the watermark, if there is one, and the marks among a workspace's items.

    A watermark that can't be read has no basis, so that nothing is counted.
    """
    watermark, marks = None, dict[str, int]()
    for item in items:
        sort_key = item["sort_key"]["S"]
        if sort_key == _WATERMARK:
            watermark = _watermark(item)
        elif sort_key.startswith(_MARK):
            marks[sort_key.removeprefix(_MARK)] = int(item["marked_at"]["N"])
    return watermark, Marks(marks)


def _watermark(item: StoredItem) -> Watermark | None:
    try:
        with wrong_form_as_unreadable():
            return Watermark(*unpack(item["content"]))
    except Unreadable:
        revision = item.get("revision")
        return None if revision is None else Watermark(int(revision["N"]), 0, basis="")


def open_key(block_id: str) -> str:
    """Returns the sort key of the item that says that a block's contents are being written."""
    return f"{OPEN}{block_id}"


def contents_of_open(sort_key: str) -> list[str]:
    """Returns the sort keys of all contents that a block may have; ``open_key``'s is given."""
    return [sort_key.replace(OPEN, f"{CONTENT}{kind}/") for kind in _kinds(range(USER_SHARDS))]


def contents_of(block: Block) -> list[str]:
    """Returns the sort keys of a block's contents."""
    return [content_key(kind, block.id) for kind in kinds_of(block)]


def kinds_of(block: Block) -> list[str]:
    """Returns the kinds of a block's contents; none if it has no rows."""
    return _kinds(filter(block.has_shard, range(USER_SHARDS))) if block.rows else []


def _kinds(shards: Iterable[int]) -> list[str]:
    by_user = [f"{kind}/{shard}" for shard in shards for kind in ("rows", "models", "users")]
    return ["order", "types", "groups", *by_user]


def content_key(kind: str, block_id: str) -> str:
    """Returns the sort key of a block's content of one kind."""
    return f"{CONTENT}{kind}/{block_id}"


def contents_query(
    table: str, workspace_id: int, kind: str, first: date, last: date
) -> dict[str, Any]:
    """Returns the Query for all blocks' contents of one kind between two days, both included."""
    low, high = content_key(kind, f"{first}/"), content_key(kind, f"{last}/~")
    return query_between(table, workspace_id, low, high)


def new_block_id(day: date, read_at: int) -> str:
    """Returns an id for a block of a day that began to be read at ``read_at`` (milliseconds)."""
    return f"{day}/{read_at:x}-{secrets.token_hex(3)}"


def read_at_of(block_id: str) -> int:
    """Returns when reading of a block began; ``UNREAD`` for what has no id.

    Args:
        block_id: the id, or a sort key that ends with it.
    """
    return int(block_id.rpartition("/")[2].partition("-")[0], 16) if block_id else UNREAD


def shard_of(user_id: int) -> int:
    """Returns a user's shard."""
    return user_id % USER_SHARDS


def rows_kind(user_id: int) -> str:
    """Returns the kind of the content that says how many rows a user has."""
    return f"rows/{shard_of(user_id)}"
