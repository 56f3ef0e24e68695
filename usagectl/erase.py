"""Erasure of one person: tokens, memberships, e-mail addresses and, on request, rows and media.

Tables are read whole, since a person's rows may be in workspaces that they have long left. Every
step can be taken again, and one that has been taken finds nothing left to do.

Rows are deleted past the recorder. So the workspaces that have them are held meanwhile, and counted
anew in the end (``usagectl.recount``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from usagectl import recount
from usagectl.access import AccessTables
from usagectl.errors import CommandError
from usagectl.load import Destination, Notify
from workspace_usage.directory import REMOVED_MARK
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows import media_key

NOBODY: Final = ""
"""What stands in place of an erased person's e-mail address."""

type _Item = Mapping[str, Any]


@dataclass(slots=True)
class ErasureReport:
    """What was done, and where nothing was left to do, 0."""

    tokens_revoked: int = 0
    memberships_removed: int = 0
    rows_anonymised: int = 0
    rows_deleted: int = 0
    media_deleted: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by their names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases people from one deployment.

    Attributes:
        place: the deployment.
        tokenable_type: the model whose tokens are users': another's may have the same id.
        delete_rows: delete the person's rows and the media behind them, instead of the e-mail
            address alone.
        advance: is told of items that were looked at.
    """

    place: Destination
    tokenable_type: str
    delete_rows: bool
    advance: Notify = lambda _: None

    def erase(self, user_id: int, now: datetime) -> ErasureReport:
        """Erases one person from all tables.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table fails; start again, what is done stays done.
            CommandError: a token or membership is not gone, or something came back meanwhile.
        """
        report = ErasureReport()
        # Access first: nobody may come in while the rest goes.
        self._revoke_tokens(user_id, report)
        self._remove_memberships(user_id, report)
        tables = self.place.tables
        rows = (tables.executions, tables.archived_executions, tables.edited_chats)
        if self.delete_rows:
            self._delete_all_rows(rows, user_id, now, report)
        else:
            for table in rows:
                self._anonymise_rows(table, user_id, report)
        if any(self._tokens(user_id)) or any(self._memberships(user_id)):
            raise CommandError(
                "a token or membership is there again: an event that came meanwhile has put it"
                " there; start again"
            )
        return report

    def _revoke_tokens(self, user_id: int, report: ErasureReport) -> None:
        access = self._access()
        for item in self._tokens(user_id):
            report.tokens_revoked += access.revoke_token(int(item["token_id"]["N"]))

    def _remove_memberships(self, user_id: int, report: ErasureReport) -> None:
        access = self._access()
        for item in self._memberships(user_id):
            workspace_id = int(item["workspace_id"]["N"])
            report.memberships_removed += access.remove_member(workspace_id, user_id)

    def _anonymise_rows(self, table: str, user_id: int, report: ErasureReport) -> None:
        filter_ = "user_id = :user AND user_email <> :nobody"
        values = {":user": {"N": str(user_id)}, ":nobody": {"S": NOBODY}}
        for item in self._find(table, filter_, values):
            try:
                self.place.dynamodb.update_item(
                    TableName=table,
                    Key=_row_key(item),
                    UpdateExpression="SET user_email = :nobody",
                    # Else a row that has just gone would come back, as little more than a key.
                    ConditionExpression="attribute_exists(sort_key)",
                    ExpressionAttributeValues={":nobody": {"S": NOBODY}},
                )
            except self.place.dynamodb.exceptions.ConditionalCheckFailedException:
                continue
            report.rows_anonymised += 1

    def _delete_all_rows(
        self, tables: Iterable[str], user_id: int, now: datetime, report: ErasureReport
    ) -> None:
        held: set[int] = set()
        media: set[str] = set()
        place = self.place
        try:
            for table in tables:
                self._delete_rows(table, user_id, report, held, media)
        finally:
            # Also when it fails: started again, it would not find again whose rows are gone.
            self._release_all(held)
        for workspace_id in sorted(held):
            recount.count(place, workspace_id, now)

    def _delete_rows(
        self,
        table: str,
        user_id: int,
        report: ErasureReport,
        held: set[int],
        media: set[str],
    ) -> None:
        for item in self._find(table, "user_id = :user", {":user": {"N": str(user_id)}}):
            self._hold(int(item["workspace_id"]["N"]), held)
            key = media_key(item.get("output", {"S": None})["S"])
            # The medium first: once its row is gone, nobody knows its key.
            if key is not None and key not in media:
                self.place.s3.delete_object(Bucket=self.place.bucket, Key=key)
                # A row and its archived twin have the same.
                media.add(key)
                report.media_deleted += 1
            self.place.dynamodb.delete_item(TableName=table, Key=_row_key(item))
            report.rows_deleted += 1

    def _access(self) -> AccessTables:
        tables = self.place.tables
        return AccessTables(self.place.dynamodb, tables.access_tokens, tables.memberships)

    def _hold(self, workspace_id: int, held: set[int]) -> None:
        if workspace_id not in held:
            held.add(workspace_id)
            recount.hold(self.place, workspace_id)

    def _release_all(self, held: set[int]) -> None:
        left = []
        for workspace_id in sorted(held):
            try:
                recount.release(self.place, workspace_id)
            except StoreUnavailable:
                left.append(workspace_id)
        if left:
            names = " ".join(f"-w {workspace_id}" for workspace_id in left)
            raise CommandError(
                "the store does not answer; start again when it does, and then have the workspaces"
                f" counted in which rows were deleted: usagectl recount {names}"
            )

    def _tokens(self, user_id: int) -> Iterator[_Item]:
        return self._find(
            self.place.tables.access_tokens,
            "tokenable_id = :user AND tokenable_type = :type",
            {":user": {"N": str(user_id)}, ":type": {"S": self.tokenable_type}},
        )

    def _memberships(self, user_id: int) -> Iterator[_Item]:
        return self._find(
            self.place.tables.memberships,
            f"user_id = :user AND attribute_not_exists({REMOVED_MARK})",
            {":user": {"N": str(user_id)}},
        )

    def _find(self, table: str, filter_: str, values: Mapping[str, Any]) -> Iterator[_Item]:
        """The items of a table that ``filter_`` lets through, all of it read."""
        pages = self.place.dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression=filter_,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]
            self.advance(page["ScannedCount"])


def _row_key(item: _Item) -> dict[str, Any]:
    return {"workspace_id": item["workspace_id"], "sort_key": item["sort_key"]}
