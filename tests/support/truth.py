"""What counts and pages must say, worked out from the rows alone, the slow and obvious way."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from fractions import Fraction
from operator import is_, itemgetter
from typing import Any, Final

from workspace_usage.access.scope import OwnRuns
from workspace_usage.aws.packing import Unreadable, pack
from workspace_usage.rollups import seek
from workspace_usage.rollups.blocks import UNREAD, Block
from workspace_usage.rollups.items import USER_SHARDS, content_key, kinds_of
from workspace_usage.rollups.reading import CountedRange, Counts
from workspace_usage.rollups.sums import Sums
from workspace_usage.rollups.totals import Totals
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.row import Row, Source, Tokens
from workspace_usage.rows.store import Meter, Selection
from workspace_usage.rows.window import day_of

PER_PAGE: Final = 3
"""Rows of the pages that are compared."""

_DIMENSIONS: Final = ("user", "type", "model", "agent", "origin", "source", "status")

_PRECEDENCE: Final = (Source.ARCHIVED, Source.CURRENT, Source.EDITED)

type _Cells = dict[tuple[object, ...], list[Any]]


@dataclass(frozen=True, slots=True)
class Truth:
    """The rows of one workspace at one moment.

    Attributes:
        keys: their sort keys, oldest first.
        copies: each row's copies by sort key; the one that is listed without a filter comes first.
    """

    keys: Sequence[str]
    copies: Mapping[str, Sequence[Row]]

    @classmethod
    def of(cls, rows: Mapping[Source, Iterable[Row]]) -> "Truth":
        """Returns what is true if the sources' tables hold these rows."""
        copies: dict[str, list[Row]] = {}
        for source in _PRECEDENCE:
            for row in rows[source]:
                copies.setdefault(row.position.sort_key, []).append(row)
        return cls(sorted(copies), copies)

    def between(self, low: str, high: str) -> list[list[Row]]:
        """Returns the rows from ``low`` to below ``high``, oldest first, as copies."""
        keys = self.keys[bisect_left(self.keys, low) : bisect_left(self.keys, high)]
        return [list(self.copies[key]) for key in keys]

    def page(self, selection: Selection, offset: int) -> list[str]:
        """Returns the sort keys of a page, newest first: the rows that follow ``offset`` rows."""
        user_id = selection.scope.user_id if isinstance(selection.scope, OwnRuns) else None
        found = [
            key
            for key in reversed(self.keys)
            if selection.low <= key <= selection.high
            and any(
                user_id in (None, row.user_id) and selection.agent_type in (None, _listed_type(row))
                for row in self.copies[key]
            )
        ]
        return found[offset : offset + PER_PAGE]


def expected_sums(
    truth: Truth, selection: Selection, dimensions: Sequence[str], zone: tzinfo
) -> tuple[dict[date, dict[Any, list[Any]]], dict[str, dict[Any, str]]]:
    """Returns the sums by day and group that a summary must show, and the labels of values."""
    user_id = selection.scope.user_id if isinstance(selection.scope, OwnRuns) else None
    places = [_DIMENSIONS.index(dimension) for dimension in dimensions]
    days: dict[date, dict[Any, list[Any]]] = {}
    labels: dict[str, dict[Any, str]] = {
        name: {} for name in ("user", "agent") if name in dimensions
    }
    for key in truth.keys:
        shown = [
            row
            for row in truth.copies[key]
            if user_id in (None, row.user_id) and selection.agent_type in (None, _listed_type(row))
        ]
        if not selection.low <= key <= selection.high or not shown:
            continue
        values, credits_, total, name, email = _shown(shown[0])
        tokens = shown[0].tokens or Tokens(0, 0, 0)
        added = [
            1,
            values[6] == "succeeded",
            credits_,
            tokens.input or 0,
            tokens.output or 0,
            total,
        ]
        groups = days.setdefault(day_of(moment_of(key), zone), {})
        group = tuple(values[place] for place in places)
        groups[group] = [a + b for a, b in zip(groups.get(group, [0] * 6), added, strict=True)]
        for dimension, label in (("user", email), ("agent", name)):
            if dimension in dimensions:
                labels[dimension][values[_DIMENSIONS.index(dimension)]] = label
    return days, labels


def check_sums(
    sums: Sums, truth: Truth, selection: Selection, dimensions: Sequence[str], zone: tzinfo
) -> None:
    """Asserts that sums are those of the rows, to the last digit."""
    found = {
        day: {
            key: [c.runs, c.succeeded, Fraction(c.credits), c.input, c.output, c.total]
            for key, c in groups.items()
        }
        for day, groups in sums.days.items()
        if groups
    }
    assert (found, sums.labels) == expected_sums(truth, selection, dimensions, zone), (
        selection,
        dimensions,
    )


def is_fleeting(copies: Sequence[Row]) -> bool:
    """Returns whether a flagged copy is found by another user or type than the archived row."""
    archived = [(row.user_id, row.agent_type) for row in copies if row.source is Source.ARCHIVED]
    return len(set(archived)) > 1


def _listed_type(row: Row) -> str:
    """Returns the type by which a row is found: edited chats are in the list of chats."""
    return "chat" if row.source is Source.EDITED else row.agent_type


@dataclass(slots=True)
class CountsCheck:
    """Compares all that is believed of counts with what is true.

    Attributes:
        blocks: how many blocks it has found believed and right.
    """

    blocks: int = 0
    # By block id, the rows that it had when it was checked: the same rows need no second check.
    _checked: dict[str, list[Row]] = field(default_factory=dict)

    def check(self, counts: Counts, selection: Selection, now: datetime, truth: Truth) -> None:
        """Asserts that each believed block is right, and that no row lies outside of blocks."""
        counted = counts.read(selection, [], now, Meter(lambda: None))
        if counted is None:
            return
        found = 0
        for block in counted.blocks:
            rows = truth.between(block.low, block.high)
            found += len(rows)
            if block.read_at != UNREAD:
                self._check_block(counts, selection.scope.workspace_id, block, rows)
        assert found == len(truth.between(selection.low, selection.high)), "rows in no block"

    def _check_block(
        self, counts: Counts, workspace_id: int, block: Block, rows: list[list[Row]]
    ) -> None:
        self.blocks += 1
        copies = [row for copies in rows for row in copies]
        checked = self._checked.get(block.id)
        if checked and len(checked) == len(copies) and all(map(is_, checked, copies)):
            return
        assert block.rows == len(rows) > 0, "a wrong number of rows"
        types = [{_listed_type(row) for row in copies} for copies in rows]
        by_type = Counter(name for some in types for name in some)
        assert block.types == by_type, "wrong numbers of rows by type"
        shards = {row.user_id % USER_SHARDS for row in copies}
        by_user = {f"{kind}/{shard}" for shard in shards for kind in ("rows", "models", "users")}
        assert sorted(kinds_of(block)) == sorted({"order", "types", "groups", *by_user})
        for kind in kinds_of(block):
            try:
                content = counts.content(workspace_id, kind, block, Meter(lambda: None))
            except Unreadable as error:
                raise AssertionError("a block that is believed has no contents") from error
            _check_content(block, kind, content, rows)
        self._checked[block.id] = copies


def _check_content(block: Block, kind: str, content: Any, rows: list[list[Row]]) -> None:
    if kind.startswith("rows/"):
        _check_users(block, kind, content, rows)
    elif kind != "order":
        assert totals_of(content) == expected_totals(kind, rows), f"wrong totals of {kind}"


def _check_users(block: Block, kind: str, content: Any, rows: list[list[Row]]) -> None:
    """Asserts that the rows of a shard's users are those that their filters find."""
    item = {"content": pack(content)}
    counted = CountedRange([], {content_key(kind, block.id): item})
    found = [{(row.user_id, _listed_type(row)) for row in copies} for copies in rows]
    users = {user_id for some in found for user_id, _ in some}
    for user_id in users:
        if kind != f"rows/{user_id % USER_SHARDS}":
            continue
        for name in (None, "chat", "image"):
            expected = sum(
                any(user == user_id and name in (None, listed) for user, listed in some)
                for some in found
            )
            selection = Selection(OwnRuns(1, user_id), name, "", "", date.min, date.max)
            assert seek._rows_of(block, selection, counted) == expected, "wrong rows of a user"


def totals_of(content: Any) -> tuple[_Cells, list[object]]:
    """Returns the cells and the split rows of totals, in a form of this module."""
    totals = Totals.from_content(content)
    cells: _Cells = {
        key: [
            cell.runs,
            cell.succeeded,
            Fraction(cell.credits),
            cell.input,
            cell.output,
            cell.total,
        ]
        for key, cell in totals.cells.items()
    }
    split: list[Any] = [
        (place, [(s.key, Fraction(s.credits), s.total, s.name, s.email) for s in some])
        for place, some in totals.split
    ]
    return cells, sorted(split, key=itemgetter(0))


def expected_totals(kind: str, rows: list[list[Row]]) -> tuple[_Cells, list[object]]:
    """Returns the same for rows that are counted by a kind's dimensions."""
    cells: _Cells = {}
    split: list[Any] = []
    for place, copies in enumerate(rows):
        shards = {row.user_id % USER_SHARDS for row in copies}
        if "/" in kind and int(kind.rpartition("/")[2]) not in shards:
            continue
        if len({(row.user_id, _listed_type(row)) for row in copies}) > 1:
            split.append((place, [_shown(row) for row in copies]))
            continue
        values, credits_, total, _, _ = _shown(copies[0])
        tokens = copies[0].tokens
        numbers = (tokens.input or 0, tokens.output or 0) if tokens else (0, 0)
        match kind.partition("/")[0]:
            case "types":
                key: tuple[object, ...] = (values[1], values[5], values[6])
            case "groups":
                key = values[1:]
            case "models":
                key = (values[0], values[2])
            case _:
                key = values
        old = cells.get(key, [0] * 6)
        added = [1, values[6] == "succeeded", credits_, *numbers, total]
        cells[key] = [a + b for a, b in zip(old, added, strict=True)]
    return cells, split


def _shown(row: Row) -> tuple[tuple[object, ...], Fraction, int, str, str]:
    """Returns a row's values for all dimensions, its credits, tokens, agent's name and e-mail."""
    has_succeeded = row.status == "succeeded"
    values = (
        row.user_id,
        row.agent_type,
        row.used_model,
        row.agent_slug,
        row.execution_origin,
        row.source.value,
        "succeeded" if has_succeeded else "failed",
    )
    total = (row.tokens.total or 0) if row.tokens else 0
    credits_ = Fraction(row.credits) if has_succeeded else Fraction(0)
    return values, credits_, total, row.agent_title, row.user_email
