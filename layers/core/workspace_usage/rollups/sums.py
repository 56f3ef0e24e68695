"""Sums: what a selection's rows add up to, by day and group, as the listing shows them now.

Blocks that are believed give their totals. All other rows are read, and added one by one. So the
sums are right whatever is counted; missing counts make them slower.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from workspace_usage.access.scope import user_of
from workspace_usage.aws.packing import unpack
from workspace_usage.rollups.blocks import UNREAD, Block
from workspace_usage.rollups.items import USER_SHARDS, shard_of
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.totals import DIMENSIONS, EXACT, KINDS, Cell, Key, Shown, Totals
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.row import SUCCEEDED, Source, from_stored_item
from workspace_usage.rows.store import ALL_ROWS, Meter, Selection, Store, merge
from workspace_usage.rows.window import day_of


@dataclass(slots=True)
class Sum:
    """What some rows add up to.

    Attributes:
        runs: how many rows there are.
        succeeded: how many of them succeeded.
        credits, input, output, total: their sums, exact.
    """

    runs: int = 0
    succeeded: int = 0
    credits: Decimal = Decimal(0)
    input: int = 0
    output: int = 0
    total: int = 0

    def add(self, other: "Sum | Cell", succeeded: int) -> None:
        """Adds what other rows add up to; ``succeeded`` of them succeeded."""
        self.runs += other.runs
        self.succeeded += succeeded
        self.credits = EXACT.add(self.credits, other.credits)
        self.input += other.input
        self.output += other.output
        self.total += other.total

    @classmethod
    def of(cls, sums: "Iterable[Sum]") -> Self:
        """Returns what sums add up to."""
        total = cls()
        for other in sums:
            total.add(other, other.succeeded)
        return total


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a selection.

    Attributes:
        days: for each day that has rows, the sum of each group that has some. A group's key has its
            value for each dimension that was asked for, in their order.
        emails: each user's e-mail address, from the user's newest row; only if rows are grouped by
            ``user``.
        names: each agent's name by its slug, from the agent's newest row; only if rows are grouped
            by ``agent``.
    """

    days: dict[date, dict[Key, Sum]] = field(default_factory=dict)
    emails: dict[Any, str] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)

    def of_days(self, days: Iterable[date]) -> dict[Key, Sum]:
        """Returns the sum of each group that has rows in some days."""
        groups: dict[Key, Sum] = {}
        for day in days:
            for key, other in self.days.get(day, {}).items():
                groups.setdefault(key, Sum()).add(other, other.succeeded)
        return groups


def add_up(
    store: Store,
    counts: Counts,
    selection: Selection,
    dimensions: Sequence[str],
    now: datetime,
    meter: Meter,
) -> Sums:
    """Returns the sums of a selection's rows.

    Args:
        store: the tables of rows.
        counts: the counts.
        selection: which rows.
        dimensions: what they are grouped by; of ``totals.DIMENSIONS``.
        now: the current time (aware).
        meter: counts what is read.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    adder = _Adder(selection, dimensions)
    counted = counts.read(selection, adder.kinds, now, meter)
    unread = [Block(selection.low, selection.high, UNREAD)]
    for block in unread if counted is None else counted.blocks:
        contents = None if counted is None else adder.contents_of(block, counted.contents)
        if contents is None:
            high = min(selection.high, block.high)
            rows = store.streams(replace(selection, low=block.low, high=high), ALL_ROWS, meter)
            for sort_key, source, item in merge(rows):
                day = day_of(moment_of(sort_key), counts.zone)
                adder.add_row(day, Shown.of(from_stored_item(source, item)))
        else:
            adder.add_block(day_of(moment_of(block.low), counts.zone), contents)
    return adder.sums


class _Adder:
    """Adds up what it is given, which must come newest first.

    Args:
        selection: which rows.
        dimensions: what they are grouped by.

    Attributes:
        sums: what was added so far.
        kinds: the kinds of contents (``items``) that have all that is needed, and the least more.
    """

    def __init__(self, selection: Selection, dimensions: Sequence[str]) -> None:
        self._user_id = user_of(selection.scope)
        self._agent_type = selection.agent_type
        needed = {*dimensions, *(() if self._user_id is None else ("user",))}
        self._kind = next(kind for kind, kept in KINDS.items() if needed <= {*kept})
        kept = KINDS[self._kind]
        self._kept = [DIMENSIONS.index(dimension) for dimension in kept]
        self._places = [kept.index(dimension) for dimension in dimensions]
        self._place_of = {dimension: place for place, dimension in enumerate(kept)}
        self._by_user, self._by_agent = "user" in dimensions, "agent" in dimensions
        if self._kind == "users":
            shards = range(USER_SHARDS) if self._user_id is None else [shard_of(self._user_id)]
            self._shards: Mapping[str, int] = {f"users/{shard}": shard for shard in shards}
            self.kinds = list(self._shards)
        else:
            self._shards = {}
            self.kinds = [self._kind]
        self.sums = Sums()

    def contents_of(
        self, block: Block, contents: Mapping[tuple[str, str], Any]
    ) -> list[Any] | None:
        """Returns a block's contents, packed, or None if its rows have to be read.

        A content may be missing though the block is believed: it was replaced a moment ago.
        """
        if block.read_at == UNREAD:
            return None
        kinds = [
            kind
            for kind in self.kinds
            if kind not in self._shards or block.has_shard(self._shards[kind])
        ]
        found = [contents.get((kind, block.id)) for kind in kinds]
        return None if None in found else found

    def add_block(self, day: date, contents: Iterable[Any]) -> None:
        """Adds a block's totals."""
        cells: list[tuple[Key, Cell]] = []
        split: dict[int, Sequence[Shown]] = {}
        for content in contents:
            totals = Totals.from_content(unpack(content))
            cells += totals.cells.items()
            split.update(totals.split)  # a row with copies of two users is in two contents
        for place, copies in split.items():
            shown = next((copy for copy in copies if self._is_selected(copy)), None)
            if shown is not None:
                cells.append(self._cell_of(shown, place))
        if self._by_user or self._by_agent:
            cells.sort(key=lambda cell: cell[1].newest, reverse=True)
        self._add(day, cells)

    def add_row(self, day: date, row: Shown) -> None:
        """Adds a row that is not counted."""
        self._add(day, [self._cell_of(row, 0)])

    def _is_selected(self, copy: Shown) -> bool:
        return copy.facet.matches(self._user_id, self._agent_type)

    def _cell_of(self, row: Shown, place: int) -> tuple[Key, Cell]:
        """Returns the cell of one row."""
        cell = Cell()
        cell.add(row, place)
        return tuple([row.key[at] for at in self._kept]), cell

    def _add(self, day: date, cells: Iterable[tuple[Key, Cell]]) -> None:
        """Adds those cells that are selected; they come newest first."""
        groups = self.sums.days.setdefault(day, {})
        status = self._place_of["status"]
        for key, cell in cells:
            if not self._has_selected(key):
                continue
            group = tuple([key[place] for place in self._places])
            total = groups.get(group)
            if total is None:
                total = groups[group] = Sum()
            total.add(cell, succeeded=cell.runs if key[status] == SUCCEEDED else 0)
            if self._by_user:
                self.sums.emails.setdefault(key[self._place_of["user"]], cell.email)
            if self._by_agent:
                self.sums.names.setdefault(key[self._place_of["agent"]], cell.name)

    def _has_selected(self, key: Key) -> bool:
        """Returns whether the rows of a cell are selected; no cell has both others and these."""
        if self._user_id is not None and key[self._place_of["user"]] != self._user_id:
            return False
        if self._agent_type is None:
            return True
        is_edited = key[self._place_of["source"]] == Source.EDITED.value
        return self._agent_type == ("chat" if is_edited else key[self._place_of["type"]])
