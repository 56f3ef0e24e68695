"""Erases one person: tokens, memberships, e-mail addresses and, on request, rows and media.

Tables are read completely, since a person's rows may be in workspaces that they left long ago. An
erasure can be started again at any time: each step does what is left to do.
"""

from dataclasses import dataclass

from usagectl.access.tables import AccessTables
from usagectl.erasure.report import ErasureReport
from usagectl.erasure.row_eraser import RowEraser
from usagectl.errors import CommandError
from usagectl.progress import Advance, ignore
from usagectl.resources import Resources


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases people from one deployment.

    Attributes:
        resources: the deployment's tables and bucket.
        tokenable_type: the Laravel model of users; another model's tokens may have the same id.
        delete_rows: delete the person's rows, and the media that no other row shows, instead of
            the e-mail address only.
        advance: is told how many more items were read.
    """

    resources: Resources
    tokenable_type: str
    delete_rows: bool
    advance: Advance = ignore

    def erase(self, user_id: int) -> ErasureReport:
        """Erases one person from all tables.

        Raises:
            StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError:
                a table or the bucket fails. What is done stays done; start again.
            CommandError: a token or membership is not gone, or is there again.
        """
        report = ErasureReport()
        # Access first: the person must not come in while the rest is erased.
        self._revoke_tokens(user_id, report)
        self._remove_memberships(user_id, report)
        rows = RowEraser(self.resources, self.advance)
        if self.delete_rows:
            rows.delete(user_id, report)
        else:
            rows.anonymise(user_id, report)
        if self._has_access(user_id):
            raise CommandError(
                "The person has a token or a membership again: an event has stored it meanwhile."
                " Start again."
            )
        return report

    def _revoke_tokens(self, user_id: int, report: ErasureReport) -> None:
        access = self._access()
        for item in access.tokens(user_id, self.tokenable_type, self.advance):
            report.tokens_revoked += access.revoke_token(int(item["token_id"]["N"]))

    def _remove_memberships(self, user_id: int, report: ErasureReport) -> None:
        access = self._access()
        for item in access.memberships_of(user_id, self.advance):
            workspace_id = int(item["workspace_id"]["N"])
            report.memberships_removed += access.remove_member(workspace_id, user_id)

    def _has_access(self, user_id: int) -> bool:
        access = self._access()
        tokens = access.tokens(user_id, self.tokenable_type, self.advance)
        return any(tokens) or any(access.memberships_of(user_id, self.advance))

    def _access(self) -> AccessTables:
        tables = self.resources.tables
        return AccessTables(self.resources.dynamodb, tables.access_tokens, tables.memberships)
