"""How far a workspace is counted: its watermark, its marks, and the rows that wait."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from usagectl.errors import CommandError
from usagectl.resources import Resources
from workspace_usage.aws.dynamodb import read_items
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import Marks, horizon
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rollups.items import Watermark
from workspace_usage.rows.copies import RowCopies, read_copies

WATERMARK: Final = f"{items.VERSION}watermark"
"""The sort key of the item with the watermark."""


@dataclass(frozen=True, slots=True)
class CountState:
    """How far a workspace is counted.

    Attributes:
        watermark: the stored watermark, or None if there is none.
        marks: the marks.
        is_readable: whether the watermark can be read, if there is one.
        is_usable: whether there is a watermark whose days count: it can be read, and the time zone
            and the layout of days are still the same.
    """

    watermark: Watermark | None
    marks: Marks
    is_readable: bool
    is_usable: bool

    @property
    def counted_to(self) -> str:
        """The sort key up to which the workspace is counted; ``NOTHING`` if it isn't."""
        return self.watermark.sort_key if self.watermark and self.is_usable else items.NOTHING

    @property
    def revision(self) -> int:
        """Another number after each commit of a counter."""
        return 0 if self.watermark is None else self.watermark.revision


def read_state(resources: Resources, workspace_id: int) -> CountState:
    """Returns how far a workspace is counted.

    Raises:
        StoreUnavailable: the table can't be read in time.
    """
    request = items.state_query(resources.tables.rollups, workspace_id)
    stored = list(read_items(resources.dynamodb, request))
    watermark, marks = items.state_of(stored)
    is_there = any(item["sort_key"]["S"] == WATERMARK for item in stored)
    basis = "" if watermark is None else watermark.basis
    return CountState(
        watermark,
        marks,
        is_readable=basis != "" or not is_there,
        is_usable=basis == items.basis_of(resources.zone),
    )


def waiting_rows(
    resources: Resources, workspace_id: int, counted_to: str, now: datetime
) -> list[str]:
    """Returns the sort keys of the oldest rows that wait to be counted, or none if they are few.

    Args:
        resources: the tables.
        workspace_id: the workspace.
        counted_to: the sort key up to which it is counted.
        now: the rows were old enough to be counted at this time (aware).

    Raises:
        CommandError: a row can't be read.
        StoreUnavailable: a table can't be read in time.
    """
    rows = rows_between(resources, workspace_id, counted_to, horizon(now), MIN_ROWS)
    waiting = [sort_key for sort_key, _ in islice(rows, MIN_ROWS)]
    return waiting if len(waiting) == MIN_ROWS else []


def rows_between(
    resources: Resources, workspace_id: int, low: str, high: str, limit: int | None = None
) -> Iterator[tuple[str, RowCopies]]:
    """Yields a workspace's rows (``workspace_usage.rows.copies.read_copies``).

    Raises:
        CommandError: a row can't be read.
        StoreUnavailable: a table can't be read in time.
    """
    tables, last = resources.tables.by_source, low
    try:
        for row in read_copies(resources.dynamodb, tables, workspace_id, low, high, limit):
            yield row
            last, _ = row
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # This service has not written the stored item.
        place = "" if last == items.NOTHING else f" behind {last.rstrip('\0')}"
        sentence = f"A row of workspace {workspace_id}{place} can't be read: {error!r}."
        raise CommandError(sentence) from error
