"""One person's rows and media, erased: without the e-mail address, or altogether.

An object of the media bucket may be shown by several rows, of other people and in other workspaces
too. It goes only if no row names it that stays. To know that, the tables are read twice: first for
the person's rows and the keys that they name, then for the rows of others that name one of these
keys. Both are kept in memory, some 300 bytes a row.

Objects go before rows: once its last row is gone, nobody knows an object's key. So an erasure that
was cut off can be started again.

Rows are deleted past the recorder. So the workspaces that have them are held meanwhile, and counted
again in the end (``usagectl.recount``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from usagectl import recount
from usagectl.errors import CommandError
from usagectl.load import Destination, Notify
from usagectl.writing import WRITERS
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import media_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from usagectl.erase import ErasureReport

NOBODY: Final = ""
"""What stands in place of an erased person's e-mail address."""

type _Item = Mapping[str, Any]


class _Row(NamedTuple):
    """Where a row is."""

    table: str
    workspace_id: int
    sort_key: str


def scan(
    client: "DynamoDBClient",
    table: str,
    filter_: str,
    values: Mapping[str, Any],
    advance: Notify,
    attributes: str = "",
) -> Iterator[_Item]:
    """The items of a table that ``filter_`` lets through, all of it read.

    ``advance`` is told of items that were looked at. ``attributes`` names those that are wanted,
    all unless it is given; ``#output`` stands for the output, which is a reserved word.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table can't be read.
    """
    request: Any = {
        "TableName": table,
        "FilterExpression": filter_,
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
    if attributes:
        request["ProjectionExpression"] = attributes
        if "#output" in attributes:
            request["ExpressionAttributeNames"] = {"#output": "output"}
    for page in client.get_paginator("scan").paginate(**request):
        yield from page["Items"]
        advance(page["ScannedCount"])


@dataclass(frozen=True, slots=True)
class RowEraser:
    """Erases a person's rows from one deployment.

    Attributes:
        place: the deployment.
        advance: is told of items that were looked at.
    """

    place: Destination
    advance: Notify

    def anonymise(self, user_id: int, report: "ErasureReport") -> None:
        """Takes the person's e-mail address out of all rows.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: a table fails.
        """
        tables = self.place.tables
        for table in (tables.executions, tables.archived_executions, tables.edited_chats):
            self._anonymise(table, user_id, report)

    def delete(self, user_id: int, now: datetime, report: "ErasureReport") -> None:
        """Deletes the person's rows, and the media that no other row shows.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table or the bucket fails.
            CommandError: the store went away; the text says what is left to do.
        """
        rows, keys = self._find(user_id)
        shown = self._shown_by_others(user_id, keys)
        report.media_kept = len(shown)
        for _ in _each(self._delete_object, keys - shown):
            report.media_deleted += 1
        self._delete_rows(rows, now, report)

    def _anonymise(self, table: str, user_id: int, report: "ErasureReport") -> None:
        filter_ = "user_id = :user AND user_email <> :nobody"
        values = {":user": {"N": str(user_id)}, ":nobody": {"S": NOBODY}}
        for item in scan(self.place.dynamodb, table, filter_, values, self.advance):
            try:
                self.place.dynamodb.update_item(
                    TableName=table,
                    Key={name: item[name] for name in ("workspace_id", "sort_key")},
                    UpdateExpression="SET user_email = :nobody",
                    # Else a row that has just gone would come back, as little more than a key.
                    ConditionExpression="attribute_exists(sort_key)",
                    ExpressionAttributeValues={":nobody": {"S": NOBODY}},
                )
            except self.place.dynamodb.exceptions.ConditionalCheckFailedException:
                continue
            report.rows_anonymised += 1

    def _find(self, user_id: int) -> tuple[list[_Row], set[str]]:
        """The person's rows, and the keys of the media bucket that they name."""
        tables = self.place.tables
        rows: list[_Row] = []
        keys: set[str] = set()
        for table in (tables.executions, tables.archived_executions, tables.edited_chats):
            for item in scan(
                self.place.dynamodb,
                table,
                "user_id = :user",
                {":user": {"N": str(user_id)}},
                self.advance,
                "workspace_id, sort_key, #output",
            ):
                rows.append(_Row(table, int(item["workspace_id"]["N"]), item["sort_key"]["S"]))
                key = media_key(item.get("output", {"S": None})["S"])
                if key is not None:
                    keys.add(key)
        return rows, keys

    def _shown_by_others(self, user_id: int, keys: set[str]) -> set[str]:
        """Those of these keys that somebody else's row names."""
        found: set[str] = set()
        if not keys:
            return found
        tables = self.place.tables
        for table in (tables.executions, tables.archived_executions):
            for item in scan(
                self.place.dynamodb,
                table,
                "user_id <> :user AND attribute_exists(#output)",
                {":user": {"N": str(user_id)}},
                self.advance,
                "#output",
            ):
                output = item["output"]["S"]
                if output in keys:
                    found.add(output)
        return found

    def _delete_object(self, key: str) -> None:
        self.place.s3.delete_object(Bucket=self.place.bucket, Key=key)

    def _delete_row(self, row: _Row) -> None:
        key = item_key(row.workspace_id, row.sort_key)
        self.place.dynamodb.delete_item(TableName=row.table, Key=key)

    def _delete_rows(self, rows: list[_Row], now: datetime, report: "ErasureReport") -> None:
        workspaces = sorted({row.workspace_id for row in rows})
        held: list[int] = []
        try:
            for workspace_id in workspaces:
                held.append(workspace_id)
                recount.hold(self.place, workspace_id)
            for _ in _each(self._delete_row, rows):
                report.rows_deleted += 1
        finally:
            # Also when it fails: started again, it would not find again whose rows are gone.
            self._release(held)
        for workspace_id in workspaces:
            recount.count(self.place, workspace_id, now)

    def _release(self, held: list[int]) -> None:
        left = []
        for workspace_id in held:
            try:
                recount.release(self.place, workspace_id)
            except StoreUnavailable:
                left.append(workspace_id)
        if left:
            names = " ".join(f"-w {workspace_id}" for workspace_id in left)
            raise CommandError(
                "The store does not answer; start again when it does, and then have the workspaces"
                f" counted in which rows were deleted: usagectl recount {names}"
            )


def _each[T](do: Callable[[T], None], subjects: Iterable[T]) -> Iterator[None]:
    """Does something to each subject, several at a time, and yields as they are done."""
    with ThreadPoolExecutor(WRITERS) as executor:
        for some in batched(subjects, 10 * WRITERS, strict=False):
            yield from executor.map(do, some)
