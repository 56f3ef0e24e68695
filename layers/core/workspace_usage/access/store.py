"""The access store: reads which tokens and memberships there are.

The token or membership that is returned always comes from a consistent read, so that a revoked
token or a removed member is refused from the next request on. Nothing is cached here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace_usage.access.items import (
    BY_HASH_INDEX,
    membership_from_item,
    membership_key,
    token_from_item,
    token_key,
)
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken, BearerToken
from workspace_usage.aws.dynamodb import Attributes, StoredItem, read_pages
from workspace_usage.aws.errors import aws_errors_as_unavailable

if TYPE_CHECKING:
    from workspace_usage.aws.reader import Reader


@dataclass(frozen=True, slots=True)
class AccessStore:
    """The AccessTokens and Memberships tables, for reading.

    Attributes:
        reader: reads from DynamoDB.
        access_tokens_table: the name of the AccessTokens table.
        memberships_table: the name of the Memberships table.
    """

    reader: "Reader"
    access_tokens_table: str
    memberships_table: str

    def find_token(self, presented: BearerToken) -> AccessToken | None:
        """Returns the stored token with the id or the hash of ``presented``, or None.

        The token is not checked yet: that is the caller's part (``TokenPolicy``).

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        token_id = presented.token_id
        if token_id is None:
            token_id = self._find_token_id(presented.digest)
        if token_id is None:
            return None
        item = self._get(self.access_tokens_table, token_key(token_id))
        return None if item is None else token_from_item(item)

    def find_membership(self, workspace_id: int, user_id: int) -> Membership | None:
        """Returns the user's membership in the workspace, or None if the user is not a member.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        item = self._get(self.memberships_table, membership_key(workspace_id, user_id))
        return None if item is None else membership_from_item(item)

    def _find_token_id(self, digest: str) -> int | None:
        # An index is only eventually consistent. The token itself is then read consistently.
        request: dict[str, Any] = {
            "TableName": self.access_tokens_table,
            "IndexName": BY_HASH_INDEX,
            "KeyConditionExpression": "token_hash = :hash",
            "ExpressionAttributeValues": {":hash": {"S": digest}},
            "Limit": 1,
        }
        for page in read_pages(lambda following: self.reader.query([following])[0], request):
            for item in page["Items"]:
                return int(item["token_id"]["N"])
        return None

    def _get(self, table: str, key: Attributes) -> StoredItem | None:
        with aws_errors_as_unavailable():
            response = self.reader.get_item(TableName=table, Key=key, ConsistentRead=True)
        item: StoredItem | None = response.get("Item")
        return item
