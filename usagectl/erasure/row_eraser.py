"""Erases one person's rows: only the e-mail address in them, or the rows and their media.

Several rows may show the same object of the media bucket, also rows of other people and in other
workspaces. An object is deleted only if no row that stays names it. So the tables are read twice:
first for the person's rows and the keys that they name, then for the rows of others that name one
of these keys. Both are kept in memory, some 300 bytes a row.

Objects are deleted before rows: once the last row is gone, nothing tells the object's key. So an
interrupted erasure can be started again.

Counts name users and have their e-mail addresses. Rows are therefore changed and deleted as late
writes (``usagectl.late_writes``): what was counted of them is counted again some minutes later.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Final, NamedTuple

from usagectl.erasure.report import ErasureReport
from usagectl.late_writes import ROWS_PER_CHUNK, LateWrites, RowKey
from usagectl.parallel import map_in_parallel
from usagectl.progress import Advance
from usagectl.resources import Resources
from usagectl.scan import scan
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.rows.row import Source, media_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NO_EMAIL: Final = ""
"""What an erased person's rows have instead of the e-mail address."""


class _StoredRow(NamedTuple):
    """Where a row is stored."""

    table: str
    key: RowKey


@dataclass(frozen=True, slots=True)
class RowEraser:
    """Erases a person's rows from one deployment.

    Attributes:
        resources: the deployment's tables and bucket.
        advance: is told how many more items were read.
    """

    resources: Resources
    advance: Advance

    def anonymise(self, user_id: int, report: ErasureReport) -> None:
        """Removes the person's e-mail address from all rows.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table or the count queue fails.
        """
        for is_anonymised in self._write_each(self._with_email(user_id), _remove_email):
            report.rows_anonymised += is_anonymised

    def delete(self, user_id: int, report: ErasureReport) -> None:
        """Deletes the person's rows, and the media that no other row shows.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table, the bucket or the count queue fails.
        """
        rows, keys = self._find(user_id)
        shown_by_others = self._shown_by_others(user_id, keys)
        report.media_kept = len(shown_by_others)
        for _ in map_in_parallel(self._delete_object, keys - shown_by_others):
            report.media_deleted += 1
        for is_deleted in self._write_each(rows, _delete):
            report.rows_deleted += is_deleted

    def _write_each(
        self,
        rows: Iterable[_StoredRow],
        write: Callable[["DynamoDBClient", _StoredRow], bool],
    ) -> Iterator[bool]:
        """Yields what ``write`` returns for each row."""
        late_writes = LateWrites(self.resources)

        def write_late(row: _StoredRow) -> bool:
            return bool(late_writes.write([row.key], partial(write, late_writes.client, row)))

        for some in batched(rows, ROWS_PER_CHUNK, strict=False):
            late_writes.mark_chunk(row.key for row in some)
            yield from map_in_parallel(write_late, some)

    def _with_email(self, user_id: int) -> Iterator[_StoredRow]:
        """Yields the person's rows that have an e-mail address."""
        for table in self.resources.tables.by_source.values():
            for item in scan(
                self.resources.dynamodb,
                table,
                "user_id = :user AND user_email <> :no_email",
                {":user": {"N": str(user_id)}, ":no_email": {"S": NO_EMAIL}},
                self.advance,
                "workspace_id, sort_key",
            ):
                yield _StoredRow(table, RowKey.of(item))

    def _find(self, user_id: int) -> tuple[list[_StoredRow], set[str]]:
        """Returns the person's rows, and the keys of the media bucket that they name."""
        rows: list[_StoredRow] = []
        media_keys: set[str] = set()
        for table in self.resources.tables.by_source.values():
            for item in scan(
                self.resources.dynamodb,
                table,
                "user_id = :user",
                {":user": {"N": str(user_id)}},
                self.advance,
                "workspace_id, sort_key, #output",
            ):
                rows.append(_StoredRow(table, RowKey.of(item)))
                key = media_key(item["output"]["S"]) if "output" in item else None
                if key is not None:
                    media_keys.add(key)
        return rows, media_keys

    def _shown_by_others(self, user_id: int, media_keys: set[str]) -> set[str]:
        """Returns those of these keys that another person's row names."""
        if not media_keys:
            return set()
        shown: set[str] = set()
        for source, table in self.resources.tables.by_source.items():
            if source is Source.EDITED:  # chats have no media
                continue
            for item in scan(
                self.resources.dynamodb,
                table,
                "user_id <> :user AND attribute_exists(#output)",
                {":user": {"N": str(user_id)}},
                self.advance,
                "#output",
            ):
                shown |= media_keys & {item["output"]["S"]}
        return shown

    def _delete_object(self, key: str) -> None:
        self.resources.s3.delete_object(Bucket=self.resources.bucket, Key=key)


def _delete(client: "DynamoDBClient", row: _StoredRow) -> bool:
    client.delete_item(TableName=row.table, Key=item_key(*row.key))
    return True


def _remove_email(client: "DynamoDBClient", row: _StoredRow) -> bool:
    """Removes a row's e-mail address; returns False if the row was deleted meanwhile."""
    try:
        client.update_item(
            TableName=row.table,
            Key=item_key(*row.key),
            UpdateExpression="SET user_email = :no_email",
            # Otherwise a row that was deleted meanwhile would come back, with nothing but its key.
            ConditionExpression="attribute_exists(sort_key)",
            ExpressionAttributeValues={":no_email": {"S": NO_EMAIL}},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True
