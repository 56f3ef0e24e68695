"""Totals: what the rows of a block add up to, by the dimensions that a summary can group by.

A cell is a combination of values that occurs, such as chats with gpt-5 that succeeded, with what
its rows add up to. An execution that is stored twice, with copies that differ in user or type, is
shown by one copy or the other, as the filter has it. Such rows are split: they are in no cell, and
all of their copies are kept.

A label is what a summary shows beside a value: a user's e-mail address, an agent's name. It is the
newest row's. Nearly always all of a block's rows with a value have the same label. Where they
don't, the label and the place of each cell's newest row are kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple, Self

from workspace_usage.aws.packing import wrong_form_as_unreadable
from workspace_usage.rollups.items import shard_of
from workspace_usage.rollups.shown import DIMENSIONS, LABELS, Key, Shown
from workspace_usage.rows.row import SUCCEEDED
from workspace_usage.values import MAX_ID

KINDS: Final[Mapping[str, Sequence[str]]] = {
    "types": ("type", "source", "status"),
    "groups": DIMENSIONS[1:],
    "models": ("user", "model"),
    "users": DIMENSIONS,
}
"""The dimensions by which contents have totals, by the first part of their kind (``items``).

Contents of earlier kinds are smaller.
"""

MAX_TEXT_SIZE: Final = 100_000
"""The size of texts (``TextSize``) at which a block ends, so that its contents fit into items."""

type Labels = Mapping[str, Mapping[Any, set[str]]]
"""The labels of each value, by its dimension."""

EXACT: Final = Context(prec=1_000)
"""Adds credits without rounding: all of their digits lie between 1E+126 and 1E-168."""

_LABELLED: Final = [(name, DIMENSIONS.index(name)) for name in LABELS]


@dataclass(slots=True)
class Cell:
    """What the rows of a cell add up to.

    Attributes:
        runs: how many rows there are.
        succeeded: how many of them succeeded.
        credits, input, output, total: their sums.
    """

    runs: int = 0
    succeeded: int = 0
    credits: Decimal = Decimal(0)
    input: int = 0
    output: int = 0
    total: int = 0

    def add_row(self, row: Shown) -> None:
        """Adds a row."""
        self.runs += 1
        self.succeeded += row.key[-1] == SUCCEEDED
        self.credits = EXACT.add(self.credits, row.credits)
        self.input += row.input
        self.output += row.output
        self.total += row.total

    def add(self, other: Self) -> None:
        """Adds what other rows add up to."""
        self.runs += other.runs
        self.succeeded += other.succeeded
        self.credits = EXACT.add(self.credits, other.credits)
        self.input += other.input
        self.output += other.output
        self.total += other.total

    @classmethod
    def of(cls, cells: Iterable[Self]) -> Self:
        """Returns what cells add up to."""
        total = cls()
        for cell in cells:
            total.add(cell)
        return total


class Label(NamedTuple):
    """The label in a row, and the row's place in its block, from 0."""

    place: int
    text: str


type Placed = tuple[int, Sequence[Shown]]
"""A row's place in its block, from 0 for the oldest, and its copies; the first is listed without a
filter."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a block's rows by some dimensions.

    Attributes:
        cells: the cells. Their dimensions are those of the content's kind (``KINDS``).
        labels: the labels of values, by their dimension; of those with one label in the block.
        newest: the labels of the newest rows of cells, by the dimension; of all other values.
        split: the split rows.
    """

    cells: dict[Key, Cell] = field(default_factory=dict)
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    newest: dict[str, dict[Key, Label]] = field(default_factory=dict)
    split: Sequence[Placed] = ()

    @classmethod
    def of(cls, rows: Iterable[Placed], dimensions: Sequence[str], labels: Labels) -> Self:
        """Returns the totals of rows, which come oldest first.

        Args:
            rows: some of the block's rows.
            dimensions: by what they are counted.
            labels: the labels of all of the block's rows.
        """
        places = [DIMENSIONS.index(dimension) for dimension in dimensions]
        labelled = [(name, at) for name, at in _LABELLED if name in dimensions]
        split: list[Placed] = []
        totals = cls(split=split)
        for place, copies in rows:
            if len({copy.facet for copy in copies}) > 1:
                split.append((place, copies))
                continue
            row = copies[0]
            key = tuple([row.key[at] for at in places])
            totals.cells.setdefault(key, Cell()).add_row(row)
            for name, at in labelled:
                value = row.key[at]
                if len(labels[name][value]) == 1:
                    totals.labels.setdefault(name, {})[value] = row.label(name)
                else:
                    totals.newest.setdefault(name, {})[key] = Label(place, row.label(name))
        return totals

    def label(self, dimension: str, key: Key, value: object) -> Label:
        """Returns the label of a cell's newest row; its place is 0 where it doesn't matter.

        Args:
            dimension: the dimension of the value that has the label.
            key: the cell.
            value: its value for the dimension.
        """
        text = self.labels.get(dimension, {}).get(value)
        return self.newest[dimension][key] if text is None else Label(0, text)

    def to_content(self) -> list[Any]:
        """Returns this as JSON.

        Texts and user ids are listed once; all else refers to them by their place in the list.
        Numbers of the same meaning are next to each other, which takes half the bytes once they are
        compressed.
        """
        texts: dict[object, int] = {}

        def refer(text: object) -> int:
            return texts.setdefault(text, len(texts))

        keys = sorted(self.cells, key=lambda key: [*map(refer, key)])
        values = [[*map(refer, column)] for column in zip(*keys, strict=True)]
        numbers = [*zip(*(_numbers(self.cells[key]) for key in keys), strict=True)]
        labels = {
            name: [[*map(refer, texts)] for texts in (by_value, by_value.values())]
            for name, by_value in self.labels.items()
        }
        newest = {
            name: [
                [at, by_key[key].place, refer(by_key[key].text)]
                for at, key in enumerate(keys)
                if key in by_key
            ]
            for name, by_key in self.newest.items()
        }
        split = [[place, [copy.to_content() for copy in copies]] for place, copies in self.split]
        return [list(texts), [*values, *numbers], labels, newest, split]

    @classmethod
    def from_content(cls, content: Any) -> Self:
        """Returns what ``to_content`` made ``content`` from.

        Raises:
            Unreadable: ``to_content`` has not made it.
        """
        with wrong_form_as_unreadable():
            return cls._parse(content)

    @classmethod
    def _parse(cls, content: Any) -> Self:
        texts, columns, listed_labels, listed_newest, split = content
        keys: list[Key] = []
        cells = {}
        if columns:
            *values, runs, failed, credits_, asked, answered, rest = columns
            keys = [*zip(*([texts[at] for at in column] for column in values), strict=True)]
            numbers = zip(runs, failed, credits_, asked, answered, rest, strict=True)
            cells = {key: _cell(*some) for key, some in zip(keys, numbers, strict=True)}
        labels = {
            name: {texts[at]: texts[to] for at, to in zip(*listed, strict=True)}
            for name, listed in listed_labels.items()
        }
        newest = {
            name: {keys[at]: Label(place, texts[text]) for at, place, text in listed}
            for name, listed in listed_newest.items()
        }
        rows = [(place, list(map(Shown.from_content, copies))) for place, copies in split]
        return cls(cells, labels, newest, rows)


def _numbers(cell: Cell) -> Sequence[int | str]:
    """Returns a cell's numbers as JSON."""
    failed, rest = cell.runs - cell.succeeded, cell.total - cell.input - cell.output
    tokens = map(_json_integer, (cell.input, cell.output, rest))
    return cell.runs, failed, f"{cell.credits:f}", *tokens


def _cell(runs: int, failed: int, credits_: str, asked: Any, answered: Any, rest: Any) -> Cell:
    """Returns the cell that ``_numbers`` made these numbers from."""
    sent, generated = int(asked), int(answered)
    total = sent + generated + int(rest)
    return Cell(runs, runs - failed, Decimal(credits_), sent, generated, total)


def _json_integer(number: int) -> int | str:
    """Returns a number as JSON; the largest sums have more than the 64 bits that orjson writes."""
    return number if abs(number) <= MAX_ID else str(number)


@dataclass(slots=True)
class TextSize:
    """How many characters the texts of some rows have in their totals.

    Texts are kept once, but copies of split rows are kept with all of their texts.
    """

    size: int = 0
    _texts: set[object] = field(default_factory=set)

    def add(self, copies: Sequence[Shown]) -> None:
        """Adds a row."""
        texts = [text for copy in copies for text in (*copy.key, copy.name, copy.email)]
        new = texts if len(copies) > 1 else set(texts) - self._texts
        self.size += sum(len(str(text)) for text in new)
        self._texts.update(new)


def labels_of(rows: Iterable[Sequence[Shown]]) -> Labels:
    """Returns the labels of each value in the copies of some rows."""
    labels: Labels = {name: defaultdict(set) for name in LABELS}
    for copies in rows:
        for copy in copies:
            for name, at in _LABELLED:
                labels[name][copy.key[at]].add(copy.label(name))
    return labels


def summary_contents(rows: Sequence[Sequence[Shown]]) -> dict[str, Any]:
    """Returns a block's contents for summaries by their kind (``items``).

    Args:
        rows: the copies of each of its rows, oldest first.
    """
    placed = list(enumerate(rows))
    labels = labels_of(rows)
    by_shard = defaultdict[int, list[Placed]](list)
    for place, copies in placed:
        for shard in {shard_of(copy.facet.user_id) for copy in copies}:
            by_shard[shard].append((place, copies))
    contents = {}
    for kind, dimensions in KINDS.items():
        if "user" in dimensions:
            for shard, some in by_shard.items():
                contents[f"{kind}/{shard}"] = Totals.of(some, dimensions, labels).to_content()
        else:
            contents[kind] = Totals.of(placed, dimensions, labels).to_content()
    return contents
