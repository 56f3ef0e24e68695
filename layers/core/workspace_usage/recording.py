"""Changes applied to the tables: in any order, any number of times, to the same end.

Every subject has a version, and the greatest wins. An execution is archived once any event says so,
whatever comes later. Both are joins (a maximum, an "or"): order and repetition don't matter. What
was removed leaves a marker with its version, so that an older event can't bring it back.

An archived execution is put among the archived rows and marked where it was, in one transaction.
The marked row is shown as archived too, and goes a day later: a reader who has read one table
before the move and the other after it finds the row all the same, as one whose index lags does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, assert_never

from botocore.exceptions import ClientError

from workspace_usage.directory import REMOVED_MARK, membership_item, token_item
from workspace_usage.errors import StoreUnavailable
from workspace_usage.events import Change, MembershipChange, RowChange, TokenChange
from workspace_usage.failures import calling_aws
from workspace_usage.rows import ARCHIVED_MARK, Row, Source, StoredItem, from_item, to_item
from workspace_usage.settings import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

MARKED_ROWS_LIVE: Final = timedelta(days=1)
"""How long an archived row stays marked in the table of current ones: longer than any read."""

MARKERS_LIVE: Final = timedelta(days=60)
"""How long a removal is remembered: longer than an event lives in both queues (28 days)."""

ATTEMPTS: Final = 5
"""How often a change is tried while others change the same subject."""

type _Item = dict[str, dict[str, Any]]


class Recorder:
    """Applies changes to the tables."""

    def __init__(self, client: "DynamoDBClient", tables: Tables) -> None:
        self._client = client
        self._tables = tables

    def apply(self, change: Change, now: datetime) -> None:
        """Brings the tables to where ``change`` has happened; nothing, if they are there already.

        Raises:
            StoreUnavailable: the tables can't be read or written in time; apply it again later.
        """
        match change:
            case RowChange(row=row) if row.source is not Source.EDITED:
                self._apply_execution(change, now)
            case RowChange(row=row, version=version):
                self._put_newer(self._tables.edited_chats, to_item(row), version)
            case TokenChange(token_id=token_id, token=token, version=version):
                key = {"token_id": {"N": str(token_id)}}
                item = token_item(token) if token else _marker(key, now)
                self._put_newer(self._tables.access_tokens, item, version)
            case MembershipChange(membership=membership, version=version):
                key = {
                    "workspace_id": {"N": str(change.workspace_id)},
                    "user_id": {"N": str(change.user_id)},
                }
                item = membership_item(membership) if membership else _marker(key, now)
                self._put_newer(self._tables.memberships, item, version)
            case _:
                assert_never(change)

    def _put_newer(self, table: str, item: _Item, version: str) -> None:
        """Stores ``item``, unless what is there has this version or a greater one."""
        with calling_aws():
            try:
                self._client.put_item(
                    TableName=table,
                    Item={**item, "version": {"S": version}},
                    ConditionExpression="attribute_not_exists(version) OR version < :version",
                    ExpressionAttributeValues={":version": {"S": version}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return

    def _apply_execution(self, change: RowChange, now: datetime) -> None:
        key: _Item = {
            "workspace_id": {"N": str(change.row.workspace_id)},
            "sort_key": {"S": change.row.position.sort_key},
        }
        executions, archive = self._tables.executions, self._tables.archived_executions
        for _ in range(ATTEMPTS):
            current, archived = self._get(executions, key), self._get(archive, key)
            new_current, new_archived = join(current, archived, change, now)
            if new_current is current and new_archived is archived:
                return
            writes = [
                _write(executions, key, current, new_current),
                _write(archive, key, archived, new_archived),
            ]
            if self._all_or_nothing(writes):
                return
        raise StoreUnavailable("an execution is being changed by many at once")

    def _get(self, table: str, key: _Item) -> StoredItem | None:
        with calling_aws():
            answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _all_or_nothing(self, writes: "list[TransactWriteItemTypeDef]") -> bool:
        """Writes everything; nothing, and False, if one of the items has changed since."""
        with calling_aws():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                if not _was_overtaken(error):
                    raise
                return False
        return True


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
        or (current is not None and ARCHIVED_MARK in current)
    )
    if not is_archived:
        return _unless_same(current, newest.as_item(Source.CURRENT)), None
    as_archived = newest.as_item(Source.ARCHIVED)
    if current is not None:
        mark = {ARCHIVED_MARK: {"BOOL": True}, **_purge_at(now + MARKED_ROWS_LIVE)}
        current = _unless_same(current, {**as_archived, **mark})
    return current, _unless_same(archived, as_archived)


def _unless_same(old: StoredItem | None, new: StoredItem) -> StoredItem:
    """``new``, or ``old`` where both are of one version, and so say the same."""
    if old is None or (ARCHIVED_MARK in old) != (ARCHIVED_MARK in new):
        return new
    return old if old.get("version") == new["version"] else new


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row as of a version; an imported row has none, which is older than any."""

    version: str
    row: Row

    @classmethod
    def of(cls, source: Source, item: StoredItem) -> "_Entry":
        return cls(item.get("version", {"S": ""})["S"], from_item(source, item))

    def as_item(self, source: Source) -> StoredItem:
        output = self.row.output if source is Source.CURRENT else None
        item = to_item(self.row._replace(source=source, output=output))
        return {**item, "version": {"S": self.version}}


def _write(
    table: str, key: _Item, old: StoredItem | None, new: StoredItem | None
) -> "TransactWriteItemTypeDef":
    """Puts ``new`` if ``old`` is still there; where nothing is to change, only checks that."""
    values: _Item = {}
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


def _was_overtaken(error: ClientError) -> bool:
    """Whether a transaction failed because another changed the same items, before or meanwhile."""
    reasons = error.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons} - {"None", None}
    return bool(codes) and codes <= {"ConditionalCheckFailed", "TransactionConflict"}


def _marker(key: _Item, now: datetime) -> _Item:
    """What is left of something removed: its key, so that nothing older brings it back."""
    return {**key, REMOVED_MARK: {"BOOL": True}, **_purge_at(now + MARKERS_LIVE)}


def _purge_at(moment: datetime) -> _Item:
    """The attribute by which DynamoDB deletes an item, in Unix seconds."""
    return {"purge_at": {"N": str(int(moment.timestamp()))}}
