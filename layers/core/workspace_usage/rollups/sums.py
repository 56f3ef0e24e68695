"""Sums: what a selection's rows add up to, by day and group, as the listing shows them now.

Blocks that are believed give their totals. All other rows are read, and added one by one. So the
sums are right whatever is counted; missing counts make them slower.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from typing import Any

from workspace_usage.access.scope import user_of
from workspace_usage.aws.packing import Unreadable
from workspace_usage.rollups.blocks import GREATEST, UNREAD, Block
from workspace_usage.rollups.items import USER_SHARDS, shard_of
from workspace_usage.rollups.reading import CountedRange, Counts
from workspace_usage.rollups.shown import DIMENSIONS, LABELS, Key, Shown
from workspace_usage.rollups.totals import KINDS, Cell, Label, Totals
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.row import from_stored_item
from workspace_usage.rows.store import ALL_ROWS, Meter, Selection, Store, merge
from workspace_usage.rows.window import day_of, midnight
from workspace_usage.values import format_timestamp


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a selection.

    Attributes:
        days: for each day that has rows, the sum of each group that has some. A group's key has its
            value for each dimension that was asked for, in their order.
        labels: of those dimensions that were asked for and have labels: each value's label in the
            newest row that has the value (``shown.LABELS``).
    """

    days: dict[date, defaultdict[Key, Cell]] = field(default_factory=dict)
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)

    def of_days(self, days: Iterable[date]) -> dict[Key, Cell]:
        """Returns the sum of each group that has rows in some days."""
        groups = defaultdict[Key, Cell](Cell)
        for day in days:
            for key, other in self.days.get(day, {}).items():
                groups[key].add(other)
        return dict(groups)


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
        dimensions: what they are grouped by; of ``shown.DIMENSIONS``.
        now: the current time (aware).
        meter: counts what is read.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    adder = _Adder(selection, dimensions)
    counted = counts.read(selection, adder.kinds, now, meter)
    unread = [Block(selection.low, selection.high, UNREAD)]
    for block in unread if counted is None else counted.blocks:
        totals = None if counted is None else adder.totals_of(block, counted)
        if totals is None:
            high = min(selection.high, block.high)
            part = replace(selection, low=block.low, high=high)
            for day, row in _rows_by_day(store, part, counts.zone, meter):
                adder.add_row(day, row)
        else:
            adder.add_block(day_of(moment_of(block.low), counts.zone), totals)
    return adder.sums


def _rows_by_day(
    store: Store, selection: Selection, zone: tzinfo, meter: Meter
) -> Iterator[tuple[date, Shown]]:
    """Yields rows, newest first, each with its day."""
    day, begin = date.max, GREATEST
    for sort_key, source, item in merge(store.streams(selection, ALL_ROWS, meter)):
        if sort_key < begin:
            day = day_of(moment_of(sort_key), zone)
            begin = format_timestamp(midnight(day, zone))
        yield day, Shown.of(from_stored_item(source, item))


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
        self._selection, user_id = selection, user_of(selection.scope)
        filters = {"user": user_id, "type": selection.agent_type}
        wanted = {name: value for name, value in filters.items() if value is not None}
        needed = {*dimensions, *wanted}
        kind, kept = next((kind, kept) for kind, kept in KINDS.items() if needed <= {*kept})
        self._wanted = [(kept.index(name), value) for name, value in wanted.items()]
        self._places = [kept.index(name) for name in dimensions]
        self._places_in_rows = [DIMENSIONS.index(name) for name in kept]
        self._labelled = [(name, kept.index(name)) for name in LABELS if name in dimensions]
        if "user" in kept:
            shards = range(USER_SHARDS) if user_id is None else [shard_of(user_id)]
            self._shard_of_kinds: dict[str, int] = {f"{kind}/{shard}": shard for shard in shards}
        else:
            self._shard_of_kinds = {}
        self.kinds = list(self._shard_of_kinds) or [kind]
        self.sums = Sums(labels={name: {} for name, _ in self._labelled})

    def totals_of(self, block: Block, counted: CountedRange) -> list[Totals] | None:
        """Returns a block's totals, or None if its rows have to be read.

        A content may be missing though the block is believed: it was replaced a moment ago.
        """
        if block.read_at == UNREAD:
            return None
        shards = self._shard_of_kinds
        kinds = (kind for kind in self.kinds if not shards or block.has_shard(shards[kind]))
        try:
            return [Totals.from_content(counted.content(kind, block)) for kind in kinds]
        except Unreadable:
            return None

    def add_block(self, day: date, block: Iterable[Totals]) -> None:
        """Adds a block's totals."""
        groups = self._groups_of(day)
        labels: dict[str, dict[Any, Label]] = {name: {} for name, _ in self._labelled}
        split: dict[int, Sequence[Shown]] = {}
        for totals in block:
            split.update(totals.split)  # a row with copies of two users is in two contents
            for key, cell in totals.cells.items():
                if not self._wanted or self._is_wanted(key):
                    groups[self._group_of(key)].add(cell)
                    for name, at in self._labelled:
                        _keep_newest(labels[name], key[at], totals.label(name, key, key[at]))
        for place, copies in split.items():
            row = next((copy for copy in copies if self._is_selected(copy)), None)
            if row is not None:
                key = self._key_of(row)
                groups[self._group_of(key)].add_row(row)
                for name, at in self._labelled:
                    _keep_newest(labels[name], key[at], Label(place, row.label(name)))
        for name, by_value in labels.items():
            for value, label in by_value.items():
                self.sums.labels[name].setdefault(value, label.text)

    def add_row(self, day: date, row: Shown) -> None:
        """Adds a row that is not counted."""
        key = self._key_of(row)
        self._groups_of(day)[self._group_of(key)].add_row(row)
        for name, at in self._labelled:
            self.sums.labels[name].setdefault(key[at], row.label(name))

    def _key_of(self, row: Shown) -> Key:
        return tuple([row.key[at] for at in self._places_in_rows])

    def _is_selected(self, copy: Shown) -> bool:
        return copy.facet.is_in(self._selection)

    def _is_wanted(self, key: Key) -> bool:
        """Returns whether the rows of a cell are selected."""
        return all(key[at] == value for at, value in self._wanted)

    def _groups_of(self, day: date) -> defaultdict[Key, Cell]:
        """Returns the sums of a day, to add to."""
        groups = self.sums.days.get(day)
        if groups is None:
            groups = self.sums.days[day] = defaultdict(Cell)
        return groups

    def _group_of(self, key: Key) -> Key:
        """Returns the group to which the rows of a cell belong."""
        return tuple([key[at] for at in self._places])


def _keep_newest(labels: dict[Any, Label], value: object, label: Label) -> None:
    if value not in labels or label.place > labels[value].place:
        labels[value] = label
