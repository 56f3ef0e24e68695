"""Erases one person's rows: only the e-mail address in them, or the rows and their media.

Several rows may show the same object of the media bucket, also rows of other people and in other
workspaces. An object is deleted only if no row that stays names it. So the tables are read twice:
first for the person's rows and the keys that they name, then for the rows of others that name one
of these keys. Both are kept in memory, some 300 bytes a row.

Objects are deleted before rows: once the last row is gone, nothing tells the object's key. So an
interrupted erasure can be started again.

Rows are deleted past the recorder. So their workspaces are held meanwhile, and counted again at the
end (``usagectl.recount``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from usagectl import recount
from usagectl.erasure.report import ErasureReport
from usagectl.errors import CommandError
from usagectl.parallel import map_in_parallel
from usagectl.progress import Advance
from usagectl.resources import Resources
from usagectl.scan import scan
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Source, media_key

NO_EMAIL: Final = ""
"""What an erased person's rows have instead of the e-mail address."""


class _RowKey(NamedTuple):
    """Where a row is stored."""

    table: str
    workspace_id: int
    sort_key: str


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
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: a table fails.
        """
        for table in self.resources.tables.by_source.values():
            self._anonymise(table, user_id, report)

    def delete(self, user_id: int, now: datetime, report: ErasureReport) -> None:
        """Deletes the person's rows, and the media that no other row shows.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table or the bucket fails.
            CommandError: the store stopped answering; the text says what is left to do.
        """
        rows, keys = self._find(user_id)
        shown_by_others = self._shown_by_others(user_id, keys)
        report.media_kept = len(shown_by_others)
        for _ in map_in_parallel(self._delete_object, keys - shown_by_others):
            report.media_deleted += 1
        self._delete_rows(rows, now, report)

    def _anonymise(self, table: str, user_id: int, report: ErasureReport) -> None:
        client = self.resources.dynamodb
        filter_expression = "user_id = :user AND user_email <> :no_email"
        values = {":user": {"N": str(user_id)}, ":no_email": {"S": NO_EMAIL}}
        for item in scan(client, table, filter_expression, values, self.advance):
            try:
                client.update_item(
                    TableName=table,
                    Key={name: item[name] for name in ("workspace_id", "sort_key")},
                    UpdateExpression="SET user_email = :no_email",
                    # Otherwise a row that was deleted meanwhile would come back, with nothing but
                    # its key.
                    ConditionExpression="attribute_exists(sort_key)",
                    ExpressionAttributeValues={":no_email": {"S": NO_EMAIL}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
            report.rows_anonymised += 1

    def _find(self, user_id: int) -> tuple[list[_RowKey], set[str]]:
        """Returns the person's rows, and the keys of the media bucket that they name."""
        rows: list[_RowKey] = []
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
                rows.append(_RowKey(table, int(item["workspace_id"]["N"]), item["sort_key"]["S"]))
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

    def _delete_row(self, row: _RowKey) -> None:
        key = item_key(row.workspace_id, row.sort_key)
        self.resources.dynamodb.delete_item(TableName=row.table, Key=key)

    def _delete_rows(self, rows: list[_RowKey], now: datetime, report: ErasureReport) -> None:
        workspaces = sorted({row.workspace_id for row in rows})
        held: list[int] = []
        try:
            for workspace_id in workspaces:
                held.append(workspace_id)
                recount.hold(self.resources, workspace_id)
            for _ in map_in_parallel(self._delete_row, rows):
                report.rows_deleted += 1
        finally:
            # Also if it fails: a second erasure would not find the workspaces of deleted rows.
            self._release(held)
        for workspace_id in workspaces:
            recount.count(self.resources, workspace_id, now)

    def _release(self, workspace_ids: list[int]) -> None:
        still_held = []
        for workspace_id in workspace_ids:
            try:
                recount.release(self.resources, workspace_id)
            except StoreUnavailable:
                still_held.append(workspace_id)
        if still_held:
            options = " ".join(f"-w {workspace_id}" for workspace_id in still_held)
            raise CommandError(
                "The store does not answer. When it does, start again, and then count the"
                f" workspaces again in which rows were deleted: usagectl recount {options}"
            )
