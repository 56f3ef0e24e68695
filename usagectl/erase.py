"""Erasure of one person: tokens, memberships, e-mail addresses and, on request, rows and media.

Tables are read whole, since a person's rows may be in workspaces that they have long left. Every
step can be taken again, and one that has been taken finds nothing left to do. What becomes of rows
and media is in ``usagectl.erase_rows``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from usagectl.access import AccessTables
from usagectl.erase_rows import RowEraser, scan
from usagectl.errors import CommandError
from usagectl.load import Destination, Notify
from workspace_usage.access.items import TOMBSTONE_FLAG

type _Item = Mapping[str, Any]


@dataclass(slots=True)
class ErasureReport:
    """What was done, and where nothing was left to do, 0.

    Attributes:
        media_deleted: objects of the media bucket, each counted once.
        media_kept: objects that the person's rows named and other people's rows still show.
    """

    tokens_revoked: int = 0
    memberships_removed: int = 0
    rows_anonymised: int = 0
    rows_deleted: int = 0
    media_deleted: int = 0
    media_kept: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by their names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases people from one deployment.

    Attributes:
        place: the deployment.
        tokenable_type: the model whose tokens are users': another's may have the same id.
        delete_rows: delete the person's rows, and the media that no other row shows, instead of
            the e-mail address alone.
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
        rows = RowEraser(self.place, self.advance)
        if self.delete_rows:
            rows.delete(user_id, now, report)
        else:
            rows.anonymise(user_id, report)
        if any(self._tokens(user_id)) or any(self._memberships(user_id)):
            raise CommandError(
                "A token or membership is there again: an event that came meanwhile has put it"
                " there; start again."
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

    def _access(self) -> AccessTables:
        tables = self.place.tables
        return AccessTables(self.place.dynamodb, tables.access_tokens, tables.memberships)

    def _tokens(self, user_id: int) -> Iterator[_Item]:
        return self._find(
            self.place.tables.access_tokens,
            "tokenable_id = :user AND tokenable_type = :type",
            {":user": {"N": str(user_id)}, ":type": {"S": self.tokenable_type}},
        )

    def _memberships(self, user_id: int) -> Iterator[_Item]:
        return self._find(
            self.place.tables.memberships,
            f"user_id = :user AND attribute_not_exists({TOMBSTONE_FLAG})",
            {":user": {"N": str(user_id)}},
        )

    def _find(self, table: str, filter_: str, values: Mapping[str, Any]) -> Iterator[_Item]:
        """The items of a table that ``filter_`` lets through, all of it read."""
        return scan(self.place.dynamodb, table, filter_, values, self.advance)
