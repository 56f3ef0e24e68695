"""The recorder: applies a change to the tables.

To change a row, it reads what the tables hold of the row, works out what they should hold
(``merge``), and writes that in one transaction (``writes``). If another writer was faster, the
transaction fails and the recorder starts again. A token or a membership takes one conditional
write.

A change may come twice, late, or before an older one: ``versions`` says which one wins.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never
from zlib import crc32

from workspace_usage.access.items import membership_item, membership_key, token_item, token_key
from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.dynamodb import Attributes, StoredItem, item_key
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.errors import WriteConflict
from workspace_usage.recording.changes import Change, MembershipChange, RowChange, TokenChange
from workspace_usage.recording.merge import Copies, merge
from workspace_usage.recording.versions import tombstone_item
from workspace_usage.recording.writes import (
    Outcome,
    guarded_write,
    put_membership,
    put_token,
    validation_errors_as_rejected,
)
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROW_WRITE_ATTEMPTS: Final = 8
"""How often the recorder tries to write a row that others are changing.

The pauses between the attempts add up to about 5 seconds at most; the calls come on top. The
attempts of a single call to AWS are set in ``aws.clients``, and those of a message in its queue in
``template.yaml``.
"""

NEW_ROWS_PER_COUNT_REQUEST: Final = 32
"""One new row in this many asks for its workspace's rows to be counted."""

_BACKOFF_SECONDS: Final = 0.02
"""The second attempt waits at most twice this long; the limit doubles with every attempt."""


class ApplyResult(NamedTuple):
    """What applying a change led to.

    Attributes:
        outcome: what became of the change.
        workspace_to_count: the workspace whose rows should be counted, or None.
    """

    outcome: Outcome
    workspace_to_count: int | None = None


class Recorder:
    """Applies changes to the tables.

    Args:
        client: reads and writes the tables.
        tables: the tables' names.
        request_count: asks for a workspace to be counted (``MarkWriter``).
    """

    def __init__(
        self, client: "DynamoDBClient", tables: Tables, request_count: Callable[[int], object]
    ) -> None:
        self._client = client
        self._tables = tables
        self._marks = MarkWriter(client, tables.rollups, request_count)

    def apply(self, change: Change, now: datetime) -> ApplyResult:
        """Applies ``change`` to the tables, unless something that wins over it is stored.

        Raises:
            RejectedByStore: no table will ever take the change.
            WriteConflict: others keep changing the same row; the same change may succeed later.
            StoreUnavailable: the tables can't be read or written in time; a later attempt may
                succeed.
        """
        match change:
            case RowChange():
                return self._apply_row(change, now)
            case TokenChange():
                return ApplyResult(self._apply_token(change))
            case MembershipChange():
                return ApplyResult(self._apply_membership(change))
            case _:
                assert_never(change)

    def _apply_token(self, change: TokenChange) -> Outcome:
        if change.token is None:
            item = tombstone_item(token_key(change.token_id))
        else:
            item = token_item(change.token)
        return put_token(self._client, self._tables.access_tokens, item, change.version)

    def _apply_membership(self, change: MembershipChange) -> Outcome:
        if change.membership is None:
            item = tombstone_item(membership_key(change.workspace_id, change.user_id))
        else:
            item = membership_item(change.membership)
        return put_membership(self._client, self._tables.memberships, item, change.version)

    def _apply_row(self, change: RowChange, now: datetime) -> ApplyResult:
        row = change.row
        tables = self._tables_of(row.source)
        key = item_key(row.workspace_id, row.position.sort_key)
        for attempt in range(ROW_WRITE_ATTEMPTS):
            if attempt > 0:
                wait_before_retry(attempt, _BACKOFF_SECONDS)
            stored = {source: self._get(table, key) for source, table in tables.items()}
            merged = merge(stored, change, now)
            if merged == stored:
                return ApplyResult(_outcome_without_effect(stored, change))
            # Lambda ends this function before the time is over for which a mark is good.
            self._marks.mark(row.workspace_id, [row.position.sort_key], now)
            writes = [
                guarded_write(table, key, stored[source], merged[source])
                for source, table in tables.items()
            ]
            with validation_errors_as_rejected(items=len(writes)):
                is_written = write_all_or_nothing(self._client, writes)
            if is_written:
                is_sampled = _is_sampled(row, stored)
                return ApplyResult(Outcome.APPLIED, row.workspace_id if is_sampled else None)
        raise WriteConflict("others keep changing the same row")

    def _tables_of(self, source: Source) -> dict[Source, str]:
        """Returns the tables in which a row of ``source`` can be."""
        if source is Source.EDITED:
            return {Source.EDITED: self._tables.edited_chats}
        return {
            Source.CURRENT: self._tables.executions,
            Source.ARCHIVED: self._tables.archived_executions,
        }

    def _get(self, table: str, key: Attributes) -> StoredItem | None:
        with aws_errors_as_unavailable():
            response = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return response.get("Item")


def _is_sampled(row: Row, stored: Copies) -> bool:
    """Returns whether a row is one of the new rows for which counting is requested."""
    is_new = not any(stored.values())
    return is_new and crc32(row.position.sort_key.encode()) % NEW_ROWS_PER_COUNT_REQUEST == 0


def _outcome_without_effect(stored: Copies, change: RowChange) -> Outcome:
    """Returns what became of a change that changes nothing of what is stored."""
    versions = [item.get("version") for item in stored.values() if item is not None]
    return Outcome.REPEATED if {"S": change.version} in versions else Outcome.OVERTAKEN
