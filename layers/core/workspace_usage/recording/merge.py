"""Merging: what the tables should hold of a row, given what they hold and a change.

Nothing is read or written here. The greatest version wins, and an archived execution stays archived
(``versions``).

An edited chat is in one table. An execution can be in two: when it is archived, its row is put
among the archived rows, and the row among the current ones is flagged. DynamoDB deletes the flagged
row a day later::

                     current rows                       archived rows
    recorded         the row
    archived         the row, ``archived``, purge_at    the row
    a day later                                         the row

The flagged row is shown as archived too. Without it, a reader that reads the archived rows before
the move and the current ones after it would find the row in neither. The same could happen to a
reader of indexes, since each lags behind its table.

A row also keeps the moment at which it was first written (``ARRIVED_AT``). That depends on which
change comes first; nothing that is shown does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.recording.changes import RowChange
from workspace_usage.rows.row import (
    ARCHIVED_FLAG,
    ARRIVED_AT,
    Row,
    Source,
    from_stored_item,
    kept_output,
    to_stored_item,
)
from workspace_usage.values import to_milliseconds

FLAGGED_ROW_LIFETIME: Final = timedelta(days=1)
"""How long an archived row stays among the current ones: longer than any read takes."""

type Copies = Mapping[Source, StoredItem | None]
"""For each table in which a row can be: its stored item, or None. The key is the table's source."""


def merge(stored: Copies, change: RowChange, now: datetime) -> Copies:
    """Returns what the tables should hold of a row. A copy that needs no change is the same item.

    Args:
        stored: what the tables hold.
        change: what has happened.
        now: this service's clock.
    """
    if change.row.source is Source.EDITED:
        return {Source.EDITED: _merge_edited_chat(stored, change, now)}
    return _merge_execution(stored, change, now)


def _merge_edited_chat(stored: Copies, change: RowChange, now: datetime) -> StoredItem:
    edited = stored[Source.EDITED]
    if edited is not None and _version_in(edited) >= change.version:
        return edited
    version = {"version": {"S": change.version}}
    return {**to_stored_item(change.row), **version, **_arrival(stored, now)}


def _merge_execution(stored: Copies, change: RowChange, now: datetime) -> Copies:
    current, archived = stored[Source.CURRENT], stored[Source.ARCHIVED]
    newest = _newest(stored, change)
    arrival = _arrival(stored, now)
    if not _is_archived(stored, change):
        current_item = {**newest.to_stored_item(Source.CURRENT), **arrival}
        merged = _replace_unless_same(current, current_item)
        return {Source.CURRENT: merged, Source.ARCHIVED: None}
    archived_item = {**newest.to_stored_item(Source.ARCHIVED), **arrival}
    if current is not None:
        current = _replace_unless_same(current, _flagged(archived_item, now))
    return {
        Source.CURRENT: current,
        Source.ARCHIVED: _replace_unless_same(archived, archived_item),
    }


def _is_archived(stored: Copies, change: RowChange) -> bool:
    """Whether an execution is archived, by the change or by what is stored."""
    current, archived = stored[Source.CURRENT], stored[Source.ARCHIVED]
    return (
        change.row.source is Source.ARCHIVED
        or archived is not None
        or (current is not None and ARCHIVED_FLAG in current)
    )


def _flagged(item: StoredItem, now: datetime) -> StoredItem:
    """Returns an archived row as it stays among the current ones until DynamoDB deletes it."""
    unix_seconds = int((now + FLAGGED_ROW_LIFETIME).timestamp())
    return {**item, ARCHIVED_FLAG: {"BOOL": True}, "purge_at": {"N": str(unix_seconds)}}


def _replace_unless_same(stored: StoredItem | None, merged: StoredItem) -> StoredItem:
    """Returns ``merged``, or ``stored`` if both have the same version, and so the same content."""
    if stored is None or (ARCHIVED_FLAG in stored) != (ARCHIVED_FLAG in merged):
        return merged
    return stored if stored.get("version") == merged["version"] else merged


def _arrival(stored: Copies, now: datetime) -> Attributes:
    """Returns the attribute that says when a row was first written, or none if that isn't known.

    A copy without it was imported, or written before rows had it. If the row got a moment now, it
    would look newer than it is, and an export could leave it out.
    """
    copies = [item for item in stored.values() if item is not None]
    if not copies:
        return {ARRIVED_AT: {"N": str(to_milliseconds(now))}}
    if any(ARRIVED_AT not in item for item in copies):
        return {}
    return {ARRIVED_AT: {"N": str(min(int(item[ARRIVED_AT]["N"]) for item in copies))}}


@dataclass(frozen=True, slots=True)
class _VersionedRow:
    version: str
    row: Row

    def to_stored_item(self, source: Source) -> StoredItem:
        """Returns the row as an item of ``source``'s table, without an output not kept there."""
        output = kept_output(source, self.row.agent_type, self.row.output)
        item = to_stored_item(self.row._replace(source=source, output=output))
        return {**item, "version": {"S": self.version}}


def _newest(stored: Copies, change: RowChange) -> _VersionedRow:
    """Returns the row with the greatest version among the change's row and the stored rows."""
    rows = [_VersionedRow(change.version, change.row)]
    for source, item in stored.items():
        if item is not None:
            rows.append(_VersionedRow(_version_in(item), from_stored_item(source, item)))
    return max(rows, key=lambda row: row.version)


def _version_in(item: StoredItem) -> str:
    """Returns a stored item's version; an imported item has "", which is less than any other."""
    return str(item["version"]["S"]) if "version" in item else ""
