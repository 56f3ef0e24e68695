"""Who holds which token, and who belongs to which workspace: the directory's two tables.

Every answer comes from a consistent read, so that a revoked token or a removed member is refused
from the next request on. Nothing is cached here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken, BearerToken
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.values import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from workspace_usage.aws.reader import Reader

TOMBSTONE: Final = "removed"
"""The attribute that marks a revoked token or a removed membership (``recording``)."""

BY_HASH: Final = "by_hash"
"""The index that finds a token by its hash alone."""


@dataclass(frozen=True, slots=True)
class AccessStore:
    """The AccessTokens and Memberships tables, for reading."""

    reader: "Reader"
    access_tokens_table: str
    memberships_table: str

    def find_token(self, presented: BearerToken) -> AccessToken | None:
        """The stored token that ``presented`` may be; the caller checks it (``TokenPolicy``).

        Raises:
            StoreUnavailable: the tables can't be read in time.
        """
        token_id = presented.token_id
        if token_id is None:
            token_id = self._id_by_hash(presented.digest)
        if token_id is None:
            return None
        with aws_errors_as_unavailable():
            answer = self.reader.get_item(
                TableName=self.access_tokens_table,
                Key={"token_id": {"N": str(token_id)}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return None if item is None or TOMBSTONE in item else _token(item)

    def _id_by_hash(self, digest: str) -> int | None:
        # An index answers eventually; the token itself is then read consistently.
        request: dict[str, Any] = {
            "TableName": self.access_tokens_table,
            "IndexName": BY_HASH,
            "KeyConditionExpression": "token_hash = :hash",
            "ExpressionAttributeValues": {":hash": {"S": digest}},
            "Limit": 1,
        }
        while True:
            with aws_errors_as_unavailable():
                [answer] = self.reader.query([request])
            if answer["Items"]:
                return int(answer["Items"][0]["token_id"]["N"])
            # A page may be empty and not the last.
            if "LastEvaluatedKey" not in answer:
                return None
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def find_membership(self, workspace_id: int, user_id: int) -> Membership | None:
        """The user's membership in the workspace, or None.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        with aws_errors_as_unavailable():
            answer = self.reader.get_item(
                TableName=self.memberships_table,
                Key={"workspace_id": {"N": str(workspace_id)}, "user_id": {"N": str(user_id)}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        if item is None or TOMBSTONE in item:
            return None
        return Membership(workspace_id, user_id, _texts(item, "permissions"))


def token_item(token: AccessToken) -> dict[str, dict[str, Any]]:
    """``token`` as the AccessTokens table's item, in DynamoDB JSON."""
    item: dict[str, dict[str, Any]] = {
        "token_id": {"N": str(token.token_id)},
        "tokenable_type": {"S": token.tokenable_type},
        "tokenable_id": {"N": str(token.tokenable_id)},
        "token_hash": {"S": token.token_hash},
        "abilities": _text_list(token.abilities),
    }
    for name, moment in (("created_at", token.created_at), ("expires_at", token.expires_at)):
        if moment is not None:
            item[name] = {"S": format_timestamp(moment)}
    return item


def membership_item(membership: Membership) -> dict[str, dict[str, Any]]:
    """``membership`` as the Memberships table's item, in DynamoDB JSON."""
    return {
        "workspace_id": {"N": str(membership.workspace_id)},
        "user_id": {"N": str(membership.user_id)},
        "permissions": _text_list(membership.permissions),
    }


def _token(item: StoredItem) -> AccessToken:
    return AccessToken(
        token_id=int(item["token_id"]["N"]),
        tokenable_type=item["tokenable_type"]["S"],
        tokenable_id=int(item["tokenable_id"]["N"]),
        token_hash=item["token_hash"]["S"],
        abilities=_texts(item, "abilities"),
        created_at=_moment(item, "created_at"),
        expires_at=_moment(item, "expires_at"),
    )


# A list, not a string set: DynamoDB has no empty sets.


def _text_list(texts: frozenset[str]) -> dict[str, Any]:
    return {"L": [{"S": text} for text in sorted(texts)]}


def _texts(item: StoredItem, name: str) -> frozenset[str]:
    return frozenset(element["S"] for element in item[name]["L"])


def _moment(item: StoredItem, name: str) -> datetime | None:
    attribute = item.get(name)
    return None if attribute is None else parse_timestamp(attribute["S"])
