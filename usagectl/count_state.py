"""How far a workspace is counted: its watermark, its marks, and the rows that wait."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from usagectl.resources import Resources
from workspace_usage.rollups.blocks import horizon
from workspace_usage.rollups.counter import MIN_ROWS, Counter
from workspace_usage.rollups.writing import WorkspaceCounts
from workspace_usage.rows.copies import RowCopies, read_copies


def counter_of(resources: Resources) -> Counter:
    """Returns a counter of the deployment's rows."""
    return Counter(resources.dynamodb, resources.tables, resources.zone, resources.clock)


def waiting_rows(
    resources: Resources, workspace_id: int, counts: WorkspaceCounts, now: datetime
) -> list[str]:
    """Returns the sort keys of the oldest rows that wait to be counted, or none if they are few.

    Args:
        resources: the tables.
        workspace_id: the workspace.
        counts: its counts, which have the watermark.
        now: the rows were old enough to be counted at this time (aware).

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    rows = rows_between(resources, workspace_id, counts.watermark.sort_key, horizon(now), MIN_ROWS)
    waiting = [sort_key for sort_key, _ in islice(rows, MIN_ROWS)]
    return waiting if len(waiting) == MIN_ROWS else []


def rows_between(
    resources: Resources, workspace_id: int, low: str, high: str, limit: int | None = None
) -> Iterator[tuple[str, RowCopies]]:
    """Yields a workspace's rows (``workspace_usage.rows.copies.read_copies``)."""
    tables = resources.tables.by_source
    return read_copies(resources.dynamodb, tables, workspace_id, low, high, limit)
