"""Changes applied to the tables: in any order, any number of times, to the same end.

Every subject has a version, and the greatest wins. An execution is archived, and a token revoked,
once any event says so, whatever comes later. Both are joins (a maximum, an "or"): order and
repetition don't matter. What was removed leaves a tombstone for good: no older event and no import
brings a member back, and nothing at all a token.

An archived execution is put among the archived rows and marked where it was, in one transaction.
The marked row is shown as archived too, and goes a day later: a reader who has read one table
before the move and the other after it finds the row all the same, as one whose index lags does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, NamedTuple, assert_never
from zlib import crc32

from workspace_usage.access.items import membership_item, membership_key, token_item, token_key
from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.dynamodb import Attributes, StoredItem, item_key
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import WriteConflict
from workspace_usage.recording.events import Change, MembershipChange, RowChange, TokenChange
from workspace_usage.recording.versions import tombstone
from workspace_usage.recording.writes import Outcome, put_membership, put_token, refusals
from workspace_usage.rollups.counts import (
    LATE,
    Counts,
    all_or_nothing,
    guarded_head,
    read_head,
    unchanged_head,
)
from workspace_usage.rollups.items import Head, RowList, lists_showing
from workspace_usage.rows.row import (
    ARCHIVED_FLAG,
    Row,
    Source,
    from_stored_item,
    kept_output,
    to_stored_item,
)
from workspace_usage.rows.tables import Tables
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

MARKED_ROWS_LIVE: Final = timedelta(days=1)
"""How long an archived row stays marked in the table of current ones: longer than any read."""

ONE_ASKS_FOR: Final = 32
"""How many new rows there are to one that has its workspace counted."""

CHANGE_ATTEMPTS: Final = 8
"""How often a change is tried while others change the same subject: for five seconds at most."""


class Applied(NamedTuple):
    """What became of a change, and the workspace whose rows should be counted, if any."""

    outcome: Outcome
    workspace_to_count: int | None = None


class Recorder:
    """Applies changes to the tables.

    Args:
        zone: the time zone by whose days rows are counted.
    """

    def __init__(self, client: "DynamoDBClient", tables: Tables, zone: tzinfo) -> None:
        self._client = client
        self._tables = tables
        self._zone = zone

    def apply(self, change: Change, now: datetime) -> Applied:
        """Brings the tables to where ``change`` has happened; nothing, if they are there already.

        Returns what became of it. One new row in thirty-two asks to have its workspace's rows
        counted (``counting``) when it is old enough.

        Raises:
            RejectedByStore: no table will ever take it.
            StoreUnavailable: the tables can't be read or written in time; apply it again later.
            WriteConflict: so it is with this row alone.
        """
        match change:
            case RowChange():
                return self._apply_row(change, now)
            case TokenChange(token=token, version=version):
                key = token_key(change.token_id)
                item = token_item(token) if token else tombstone(key)
                outcome = put_token(self._client, self._tables.access_tokens, item, version)
            case MembershipChange(membership=membership, version=version):
                key = membership_key(change.workspace_id, change.user_id)
                item = membership_item(membership) if membership else tombstone(key)
                outcome = put_membership(self._client, self._tables.memberships, item, version)
            case _:
                assert_never(change)
        return Applied(outcome)

    def _apply_row(self, change: RowChange, now: datetime) -> Applied:
        workspace_id, sort_key = change.row.workspace_id, change.row.position.sort_key
        key = item_key(workspace_id, sort_key)
        tables = self._tables_of(change.row.source)
        for attempt in range(CHANGE_ATTEMPTS):
            if attempt:
                wait_before_retry(attempt, base_seconds=0.02)
            old = {source: self._get(table, key) for source, table in tables.items()}
            new = _joined(old, change, now)
            if all(new[source] is old[source] for source in tables):
                asks = self._awaits_counts(change, now)
                return Applied(_unchanged(old, change), workspace_id if asks else None)
            writes = [_write(tables[s], key, old[s], new[s]) for s in tables]
            before, after = _lists(old), _lists(new)
            asks = not before and crc32(sort_key.encode()) % ONE_ASKS_FOR == 0
            if before != after and self._is_late(change, now):
                correction = self._corrected(workspace_id, sort_key, before, after)
                writes += correction.writes
                asks |= correction.is_anew
            with refusals(len(tables)):
                is_written = all_or_nothing(self._client, writes)
            if is_written:
                return Applied(Outcome.APPLIED, workspace_id if asks else None)
        raise WriteConflict("a row, or its workspace's counts, are being changed by many at once")

    def _awaits_counts(self, change: RowChange, now: datetime) -> bool:
        """Whether counts were given up, and nobody makes new ones.

        Whoever gave them up may have been cut off before it could ask for that. Its event comes
        again, and changes nothing.
        """
        if not self._is_late(change, now):
            return False
        head = read_head(self._client, self._tables.rollups, change.row.workspace_id)
        return head is not None and not head.is_held and not head.is_usable(self._zone)

    def _tables_of(self, source: Source) -> dict[Source, str]:
        """The tables in which a row of ``source`` can be."""
        if source is Source.EDITED:
            return {Source.EDITED: self._tables.edited_chats}
        return {
            Source.CURRENT: self._tables.executions,
            Source.ARCHIVED: self._tables.archived_executions,
        }

    def _is_late(self, change: RowChange, now: datetime) -> bool:
        """Whether a row may be counted before it is written, or is counted already."""
        return change.row.position.created_at < format_timestamp(now - LATE)

    def _corrected(
        self,
        workspace_id: int,
        sort_key: str,
        before: frozenset[RowList],
        after: frozenset[RowList],
    ) -> "_Correction":
        """What keeps the counts right when a row goes from some lists to others.

        In any case that nobody has begun or gone on counting since this was found out.
        """
        table = self._tables.rollups
        head = read_head(self._client, table, workspace_id)
        if head is None or (head.is_held and sort_key > head.counting_until):
            return _Correction([unchanged_head(table, workspace_id, head)])
        counts = Counts(self._client, table, workspace_id, head, self._zone)
        if head.goes_by(self._zone) and sort_key <= head.counted_until:
            counts.correct(after - before, sort_key, 1)
            counts.correct(before - after, sort_key, -1)
        if counts.is_crowded or not head.goes_by(self._zone):
            # Whoever holds the workspace goes on holding it.
            anew = replace(
                Head.anew(head, self._zone),
                held_until=head.held_until,
                counting_until=head.counting_until,
            )
            writes = [guarded_head(table, workspace_id, head, anew)]
            return _Correction(writes, is_anew=True)
        return _Correction(counts.writes(replace(head, revision=head.revision + 1)))

    def _get(self, table: str, key: Attributes) -> StoredItem | None:
        with aws_errors_as_unavailable():
            answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return answer.get("Item")


class _Correction(NamedTuple):
    """What is written of counts beside a row; ``is_anew``: rows are to be counted anew."""

    writes: "list[TransactWriteItemTypeDef]"
    is_anew: bool = False


def _lists(copies: Mapping[Source, StoredItem | None]) -> frozenset[RowList]:
    return lists_showing((source, item) for source, item in copies.items() if item is not None)


def _joined(
    old: Mapping[Source, StoredItem | None], change: RowChange, now: datetime
) -> Mapping[Source, StoredItem | None]:
    """What the tables should hold of a row, after what they hold and ``change``."""
    if change.row.source is Source.EDITED:
        return {Source.EDITED: _newer(old[Source.EDITED], change)}
    current, archived = join(old[Source.CURRENT], old[Source.ARCHIVED], change, now)
    return {Source.CURRENT: current, Source.ARCHIVED: archived}


def _unchanged(old: Mapping[Source, StoredItem | None], change: RowChange) -> Outcome:
    """What became of a change after which the tables hold what they held."""
    versions = [item.get("version") for item in old.values() if item is not None]
    is_same = {"S": change.version} in versions
    return Outcome.REPEATED if is_same else Outcome.OVERTAKEN


def _newer(old: StoredItem | None, change: RowChange) -> StoredItem:
    """The edited chat of ``change``, unless what is there has this version or a greater one."""
    if old is not None and old.get("version", {"S": ""})["S"] >= change.version:
        return old
    return {**to_stored_item(change.row), "version": {"S": change.version}}


def join(
    current: StoredItem | None, archived: StoredItem | None, change: RowChange, now: datetime
) -> tuple[StoredItem | None, StoredItem | None]:
    """What the two tables should hold of an execution, after what they hold and ``change``.

    What should stay as it is, is returned as it is.
    """
    newest = _Entry(change.version, change.row)
    for source, item in ((Source.CURRENT, current), (Source.ARCHIVED, archived)):
        if item is not None:
            newest = max(newest, _Entry.of(source, item), key=lambda entry: entry.version)
    is_archived = (
        change.row.source is Source.ARCHIVED
        or archived is not None
        or (current is not None and ARCHIVED_FLAG in current)
    )
    if not is_archived:
        return _unless_same(current, newest.as_item(Source.CURRENT)), None
    as_archived = newest.as_item(Source.ARCHIVED)
    if current is not None:
        mark = {ARCHIVED_FLAG: {"BOOL": True}, **_purge_at(now + MARKED_ROWS_LIVE)}
        current = _unless_same(current, {**as_archived, **mark})
    return current, _unless_same(archived, as_archived)


def _unless_same(old: StoredItem | None, new: StoredItem) -> StoredItem:
    """``new``, or ``old`` where both are of one version, and so say the same."""
    if old is None or (ARCHIVED_FLAG in old) != (ARCHIVED_FLAG in new):
        return new
    return old if old.get("version") == new["version"] else new


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row as of a version; an imported row has none, which is older than any."""

    version: str
    row: Row

    @classmethod
    def of(cls, source: Source, item: StoredItem) -> "_Entry":
        return cls(item.get("version", {"S": ""})["S"], from_stored_item(source, item))

    def as_item(self, source: Source) -> StoredItem:
        output = kept_output(source, self.row.agent_type, self.row.output)
        item = to_stored_item(self.row._replace(source=source, output=output))
        return {**item, "version": {"S": self.version}}


def _write(
    table: str, key: Attributes, old: StoredItem | None, new: StoredItem | None
) -> "TransactWriteItemTypeDef":
    """Puts ``new`` if ``old`` is still there; where nothing is to change, only checks that."""
    values: Attributes = {}
    if old is None:
        condition = "attribute_not_exists(sort_key)"
    elif "version" in old:
        condition, values = "version = :version", {":version": dict(old["version"])}
    else:
        condition = "attribute_exists(sort_key) AND attribute_not_exists(version)"
    checked: dict[str, Any] = {"TableName": table, "ConditionExpression": condition}
    if values:
        checked["ExpressionAttributeValues"] = values
    if new is None or new is old:
        return {"ConditionCheck": {**checked, "Key": key}}  # type: ignore[typeddict-item]
    return {"Put": {**checked, "Item": dict(new)}}  # type: ignore[typeddict-item]


def _purge_at(moment: datetime) -> Attributes:
    """The attribute by which DynamoDB deletes an item, in Unix seconds."""
    return {"purge_at": {"N": str(int(moment.timestamp()))}}
