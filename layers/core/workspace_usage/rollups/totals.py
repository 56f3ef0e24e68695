"""Totals: what the rows of a block add up to, by the dimensions that a summary can group by.

A cell is a combination of values that occurs, such as chats with gpt-5 that succeeded, with what
its rows add up to. An execution that is stored twice, with copies that differ in user or type, is
shown by one copy or the other, as the filter has it. Such rows are split: they are in no cell, and
all of their copies are kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple, Self

from workspace_usage.rollups.facets import Facet
from workspace_usage.rollups.items import users_kind
from workspace_usage.rows.row import SUCCEEDED, Row, Tokens
from workspace_usage.values import MAX_ID

DIMENSIONS: Final = ("user", "type", "model", "agent", "origin", "source", "status")
"""What a summary can group by."""

KINDS: Final = {
    "types": ("type", "source", "status"),
    "groups": DIMENSIONS[1:],
    "users": DIMENSIONS,
}
"""The dimensions by which contents have totals, by the first part of their kind (``items``)."""

EXACT: Final = Context(prec=1_000)
"""Adds credits without rounding: all of their digits lie between 1E+126 and 1E-168."""

type Key = tuple[int | str | None, ...]
"""A cell's values, one for each of its dimensions."""


class Shown(NamedTuple):
    """What a row counts for in a summary, as the listing shows it.

    Attributes:
        facet: by what it is found.
        key: its values, one for each of ``DIMENSIONS``.
        credits: its credits; 0 unless it succeeded.
        input, output, total: its tokens; 0 without.
        name: its agent's name.
        email: its user's email.
    """

    facet: Facet
    key: Key
    credits: Decimal
    input: int
    output: int
    total: int
    name: str
    email: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """Returns what ``row`` counts for."""
        succeeded = row.status == SUCCEEDED
        model, agent, origin = row.used_model, row.agent_slug, row.execution_origin
        status = SUCCEEDED if succeeded else "failed"
        tokens = row.tokens or Tokens(0, 0, 0)
        return cls(
            facet=Facet.of(row),
            key=(row.user_id, row.agent_type, model, agent, origin, row.source.value, status),
            credits=row.credits if succeeded else Decimal(0),
            input=tokens.input or 0,
            output=tokens.output or 0,
            total=tokens.total or 0,
            name=row.agent_title,
            email=row.user_email,
        )

    def to_content(self) -> list[Any]:
        """Returns this as JSON."""
        facet, key, credits_, *others = self
        return [list(facet), key, f"{credits_:f}", *others]

    @classmethod
    def from_content(cls, content: Any) -> Self:
        """Returns what ``to_content`` made ``content`` from."""
        facet, key, credits_, *others = content
        return cls(Facet(*facet), tuple(key), Decimal(credits_), *others)


@dataclass(slots=True)
class Cell:
    """What the rows of a cell add up to.

    Attributes:
        runs: how many rows there are.
        credits, input, output, total: their sums.
        newest: the place of the newest row in its block, from 0; -1 without rows.
        name, email: those of the newest row.
    """

    runs: int = 0
    credits: Decimal = Decimal(0)
    input: int = 0
    output: int = 0
    total: int = 0
    newest: int = -1
    name: str = ""
    email: str = ""

    def add(self, row: Shown, place: int) -> None:
        """Adds a row; ``place`` is its place in the block."""
        self.runs += 1
        self.credits = EXACT.add(self.credits, row.credits)
        self.input += row.input
        self.output += row.output
        self.total += row.total
        if place > self.newest:
            self.newest, self.name, self.email = place, row.name, row.email


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a block's rows by some dimensions.

    Attributes:
        cells: the cells. Their dimensions are those of the kind of part (``items``), in the order
            of ``DIMENSIONS``.
        split: the split rows, each with its place in the block and its copies; the copy that is
            shown without a filter is first.
    """

    cells: dict[Key, Cell]
    split: list[tuple[int, Sequence[Shown]]]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, Sequence[Shown]]], dimensions: Sequence[str]) -> Self:
        """Returns the totals of rows, each with its place in the block and its copies."""
        places = [DIMENSIONS.index(dimension) for dimension in dimensions]
        cells: dict[Key, Cell] = {}
        split = []
        for place, copies in rows:
            if len({copy.facet for copy in copies}) > 1:
                split.append((place, copies))
                continue
            key = tuple(copies[0].key[at] for at in places)
            cells.setdefault(key, Cell()).add(copies[0], place)
        return cls(cells, split)

    def to_content(self) -> list[Any]:
        """Returns this as JSON. Texts are listed once; cells refer to them by their place."""
        texts: dict[object, int] = {}

        def refer(text: object) -> int:
            return texts.setdefault(text, len(texts))

        cells = [
            [
                *(*map(refer, key), cell.runs, f"{cell.credits:f}"),
                *map(_json_integer, (cell.input, cell.output, cell.total)),
                *(cell.newest, refer(cell.name), refer(cell.email)),
            ]
            for key, cell in self.cells.items()
        ]
        split = [[place, [copy.to_content() for copy in copies]] for place, copies in self.split]
        return [list(texts), cells, split]

    @classmethod
    def from_content(cls, content: Any) -> Self:
        """Returns what ``to_content`` made ``content`` from."""
        texts, listed, split = content
        cells = {}
        for *key, runs, credits_, asked, answered, total, newest, name, email in listed:
            sums = (runs, Decimal(credits_), int(asked), int(answered), int(total))
            cells[tuple([texts[at] for at in key])] = Cell(*sums, newest, texts[name], texts[email])
        return cls(cells, [(place, [*map(Shown.from_content, rows)]) for place, rows in split])


def _json_integer(number: int) -> int | str:
    """Returns a number as JSON; the largest sums have more than the 64 bits that orjson writes."""
    return number if number <= MAX_ID else str(number)


def summary_contents(rows: Sequence[Sequence[Shown]]) -> dict[str, Any]:
    """Returns a block's contents for summaries by their kind (``items``).

    Args:
        rows: the copies of each of its rows, oldest first.
    """
    numbered = list(enumerate(rows))
    shards: dict[str, list[tuple[int, Sequence[Shown]]]] = {}
    for place, copies in numbered:
        for kind in {users_kind(copy.facet.user_id) for copy in copies}:
            shards.setdefault(kind, []).append((place, copies))
    return {
        "types": Totals.of(numbered, KINDS["types"]).to_content(),
        "groups": Totals.of(numbered, KINDS["groups"]).to_content(),
        **{kind: Totals.of(some, KINDS["users"]).to_content() for kind, some in shards.items()},
    }
