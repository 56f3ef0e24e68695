"""Counts of a workspace's rows, by list and day: what a page far down is found by.

A list is what one question can ask for: all rows of a workspace, a user's, those of a type, or a
user's of a type. What is counted is the list as it is shown: an execution found current and
archived counts once. Days are those of the deployment's time zone, as the windows' are, so that a
window is made of whole days.

Of each list and day the number of rows is kept (``Month``) and, where they are many, the sort key
at which every fiftieth begins (``Chunk``). How many rows come before a place in the listing is then
known from a few small items, whatever the place.

Only rows up to a certain sort key are counted (``Head``); those after it are read. Everything here
belongs to a generation: when counting begins anew, what was counted before is as good as gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, NamedTuple

from workspace_usage.access.scope import OwnRuns, Scope
from workspace_usage.aws.dynamodb import StoredItem, item_key
from workspace_usage.rows import window
from workspace_usage.rows.row import AGENT_TYPES, Source

SEGMENT: Final = 50
"""Rows from one mark to the next."""

MARKS: Final = 100
"""Marks in one item: five kilobytes, of which a page reads one."""

HEAD_KEY: Final = "head"
"""The sort key of a workspace's ``Head``."""

UNTIL_RELEASED: Final = "9999"
"""What a workspace is held until by whoever releases it: later than any moment."""

type _Item = dict[str, Any]


# --- Lists ----------------------------------------------------------------------------------------


class RowList(NamedTuple):
    """The rows of a user (None: of everybody) and of a type (None: of every type)."""

    user_id: int | None
    agent_type: str | None

    @property
    def subject(self) -> str:
        """Whose rows they are: ``all``, ``user#42``."""
        return "all" if self.user_id is None else f"user#{self.user_id}"

    @property
    def name(self) -> str:
        """The list's name: ``all``, ``user#42``, ``all#type#image``, ``user#42#type#image``."""
        return self.subject if self.agent_type is None else f"{self.subject}#type#{self.agent_type}"


def list_of(scope: Scope, agent_type: str | None) -> RowList:
    """The list that a question asks for."""
    return RowList(scope.user_id if isinstance(scope, OwnRuns) else None, agent_type)


@lru_cache(maxsize=10_000)
def _lists(user_id: int, agent_type: str) -> frozenset[RowList]:
    # Nobody can ask for another type; and one for each row, say, would fill an item with numbers.
    kinds = (None, agent_type) if agent_type in AGENT_TYPES else (None,)
    return frozenset(RowList(user, kind) for user in (None, user_id) for kind in kinds)


def lists_showing(copies: Iterable[tuple[Source, StoredItem]]) -> frozenset[RowList]:
    """The lists that show a row which is stored in these copies, one a table at most.

    A row that is found in two tables is in the lists of both copies, should they differ: each
    table answers for what it holds. Edited chats are listed among the chats whatever their type.
    """
    found: frozenset[RowList] = frozenset()
    for source, item in copies:
        kind = "chat" if source is Source.EDITED else item["agent_type"]["S"]
        found |= _lists(int(item["user_id"]["N"]), kind)
    return found


# --- Days -----------------------------------------------------------------------------------------


@lru_cache(maxsize=10_000)
def _day_of_second(second: str, zone: tzinfo) -> date:
    # Zones differ from UTC by whole seconds, so that no day begins within one.
    return window.day_of(datetime.fromisoformat(f"{second}Z"), zone)


def day_of(sort_key: str, zone: tzinfo) -> date:
    """The day on which the row at ``sort_key`` was made."""
    if zone is UTC:
        return date.fromisoformat(sort_key[:10])
    return _day_of_second(sort_key[:19], zone)


# --- Items ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """How far a workspace is counted.

    Attributes:
        generation: which counts are meant: those of other generations don't exist any more.
        zone: the time zone whose days they are by, and its rules (``window.zone_fingerprint``).
        counted_until: the last sort key that is counted; "" before the first.
        revision: grows with each row that comes late, so that counting notices it.
        held_until: the moment up to which nobody may use these counts or go on with them, but who
            holds them: rows are counted anew, or written past the recorder; "" if nobody does.
        counting_until: where who holds them will end to count; rows that come late behind that
            need not be told. "" if it doesn't count.
    """

    generation: int
    zone: str
    counted_until: str = ""
    revision: int = 0
    held_until: str = ""
    counting_until: str = ""

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the workspace, or has held it and not released it."""
        return bool(self.held_until)

    def goes_by(self, zone: tzinfo) -> bool:
        """Whether the days are those of this time zone."""
        return self.zone == window.zone_fingerprint(zone)

    def is_usable(self, zone: tzinfo) -> bool:
        """Whether there are counts by this time zone's days, and they can be relied on."""
        return not self.is_held and bool(self.counted_until) and self.goes_by(zone)

    @classmethod
    def anew(cls, old: "Head | None", zone: tzinfo) -> "Head":
        """The head after ``old``, with which nothing is counted yet and nobody holds anything."""
        generation, revision = (1, 0) if old is None else (old.generation + 1, old.revision + 1)
        return cls(generation, window.zone_fingerprint(zone), revision=revision)

    def released(self, counted_until: str) -> "Head":
        """This head when nobody holds it any more; ``counted_until`` is how far it is counted."""
        return replace(self, held_until="", counting_until="", counted_until=counted_until)

    def to_item(self, workspace_id: int) -> _Item:
        """This head as its item, in DynamoDB JSON."""
        return {
            **item_key(workspace_id, HEAD_KEY),
            "generation": {"N": str(self.generation)},
            "zone": {"S": self.zone},
            "counted_until": {"S": self.counted_until},
            "revision": {"N": str(self.revision)},
            "held_until": {"S": self.held_until},
            "counting_until": {"S": self.counting_until},
        }

    @classmethod
    def from_item(cls, item: StoredItem) -> "Head":
        """The head that ``to_item`` made ``item`` from."""
        return cls(
            int(item["generation"]["N"]),
            item["zone"]["S"],
            item["counted_until"]["S"],
            int(item["revision"]["N"]),
            item["held_until"]["S"],
            item["counting_until"]["S"],
        )


type Days = dict[int, list[int]]
"""By day of the month, the rows of each of its chunks, oldest first."""


@dataclass(slots=True)
class Month:
    """How many rows each day of a month has in the lists of one subject.

    Attributes:
        days: the rows' numbers, by type; None: of every type.
    """

    days: dict[str | None, Days] = field(default_factory=lambda: {None: {}})

    def counts(self, agent_type: str | None, day: date) -> list[int]:
        """The rows of each chunk of a day, to be changed."""
        return self.days.setdefault(agent_type, {}).setdefault(day.day, [0])

    def to_item(self, workspace_id: int, sort_key: str, head: Head) -> _Item:
        """This month as its item, in DynamoDB JSON, as of ``head``."""
        types = {kind: _days_to_item(days) for kind, days in self.days.items() if kind is not None}
        return {
            **item_key(workspace_id, sort_key),
            "generation": {"N": str(head.generation)},
            "counted_until": {"S": head.counted_until},
            "days": _days_to_item(self.days[None]),
            "types": {"M": types},
        }

    @classmethod
    def from_item(cls, item: StoredItem) -> "Month":
        """The month that ``to_item`` made ``item`` from."""
        return cls({kind: days_in(item, kind) for kind in (None, *item["types"]["M"])})


def has_chunks(counts: list[int]) -> bool:
    """Whether a day with these chunks has them as items; one of a single segment has none.

    What may be left of one, from when there were more rows, doesn't count.
    """
    return len(counts) > 1 or counts[0] > SEGMENT


def days_in(item: StoredItem, agent_type: str | None) -> Days:
    """The days of one list, of a month's item."""
    days = item["days"] if agent_type is None else item["types"]["M"].get(agent_type)
    if days is None:
        return {}
    return {int(day): _read(counts) for day, counts in days["M"].items()}


def _days_to_item(days: Days) -> _Item:
    return {"M": {str(day): {"L": _numbers(counts)} for day, counts in days.items()}}


@dataclass(slots=True)
class Chunk:
    """Up to a hundred segments of a list's day.

    Attributes:
        starts: where each segment begins, as a sort key; the first of a day's first chunk is "".
        counts: the rows of each segment.
        end: where the next chunk begins; None while this is the last.
    """

    starts: list[str]
    counts: list[int]
    end: str | None = None

    def to_item(self, workspace_id: int, sort_key: str, head: Head) -> _Item:
        """This chunk as its item, in DynamoDB JSON, as of ``head``."""
        return {
            **item_key(workspace_id, sort_key),
            "generation": {"N": str(head.generation)},
            "starts": {"L": [{"S": start} for start in self.starts]},
            "counts": {"L": _numbers(self.counts)},
            **({} if self.end is None else {"end": {"S": self.end}}),
        }

    @classmethod
    def from_item(cls, item: StoredItem) -> "Chunk":
        """The chunk that ``to_item`` made ``item`` from."""
        starts = [start["S"] for start in item["starts"]["L"]]
        return cls(starts, _read(item["counts"]), item.get("end", {}).get("S"))

    def segment_of(self, sort_key: str) -> int:
        """The segment in which a row belongs."""
        return max(n for n, start in enumerate(self.starts) if n == 0 or start <= sort_key)

    def find(self, below: int) -> tuple[str | None, int]:
        """Where to read from for the row that has ``below`` rows of this chunk below it.

        Returns the sort key before which its segment ends (None: with the day), and how many rows
        of the segment are above the row.
        """
        for number, count in enumerate(self.counts):
            if below < count:
                after = self.starts[number + 1 :]
                return (after[0] if after else self.end), count - 1 - below
            below -= count
        raise ValueError("the chunk has fewer rows")


def month_key(row_list: RowList, day: date) -> str:
    """The sort key of the month of a list's subject: ``days#user#42#2026-01``."""
    return f"days#{row_list.subject}#{day.isoformat()[:7]}"


def month_of(sort_key: str) -> date:
    """The first day of the month that ``month_key`` made ``sort_key`` from."""
    return date.fromisoformat(f"{sort_key[-7:]}-01")


def chunk_key(row_list: RowList, day: date, number: int) -> str:
    """The sort key of a chunk of a list's day: ``marks#user#42#2026-01-05#000``."""
    return f"marks#{row_list.name}#{day.isoformat()}#{number:03}"


def _numbers(counts: Iterable[int]) -> list[_Item]:
    return [{"N": str(count)} for count in counts]


def _read(counts: Any) -> list[int]:
    return [int(count["N"]) for count in counts["L"]]
