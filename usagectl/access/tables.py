"""The tables of tokens and memberships, as an operator reads and changes them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from usagectl.access.issuing import IssuedToken, draw_id, issue
from usagectl.access.versioned_items import VersionedItems, is_ahead, is_same, machine_clock
from usagectl.errors import CommandError
from usagectl.scan import scan
from workspace_usage.access.items import (
    TOMBSTONE_FLAG,
    membership_item,
    membership_key,
    token_item,
    token_key,
)
from workspace_usage.access.scope import Membership
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.recording.versions import tombstone_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class AccessTables:
    """The AccessTokens and Memberships tables of one deployment.

    Attributes:
        dynamodb: a client.
        access_tokens: the name of the table of tokens.
        memberships: the name of the table of memberships.
        clock: tells the time if the service doesn't.
    """

    dynamodb: "DynamoDBClient"
    access_tokens: str
    memberships: str
    clock: Callable[[], datetime] = machine_clock

    def token(self, token_id: int) -> StoredItem | None:
        """Returns a token's stored item or its tombstone, or None if there never was one."""
        return self._tokens().read(token_key(token_id))[0]

    def tokens(
        self, user_id: int, tokenable_type: str, advance: Callable[[int], object] = lambda _: None
    ) -> Iterator[StoredItem]:
        """Yields the stored items of a user's tokens. It reads the whole table.

        Args:
            user_id: the user.
            tokenable_type: the Laravel model of users.
            advance: is told how many more items were read.
        """
        return scan(
            self.dynamodb,
            self.access_tokens,
            "tokenable_id = :user AND tokenable_type = :type",
            {":user": {"N": str(user_id)}, ":type": {"S": tokenable_type}},
            advance,
        )

    def member(self, workspace_id: int, user_id: int) -> StoredItem | None:
        """Returns a membership's stored item, or None if the user is not a member."""
        item, _ = self._members().read(membership_key(workspace_id, user_id))
        return None if item is None or TOMBSTONE_FLAG in item else item

    def members(self, workspace_id: int) -> Iterator[StoredItem]:
        """Yields the stored items of a workspace's memberships, by user."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.memberships,
            KeyConditionExpression="workspace_id = :workspace",
            ExpressionAttributeValues={":workspace": {"N": str(workspace_id)}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from (item for item in page["Items"] if TOMBSTONE_FLAG not in item)

    def memberships_of(
        self, user_id: int, advance: Callable[[int], object] = lambda _: None
    ) -> Iterator[StoredItem]:
        """Yields the stored items of a user's memberships. It reads the whole table.

        Args:
            user_id: the user.
            advance: is told how many more items were read.
        """
        return scan(
            self.dynamodb,
            self.memberships,
            f"user_id = :user AND attribute_not_exists({TOMBSTONE_FLAG})",
            {":user": {"N": str(user_id)}},
            advance,
        )

    def issue_token(
        self,
        user_id: int,
        tokenable_type: str,
        abilities: frozenset[str],
        lifetime: timedelta | None,
    ) -> IssuedToken:
        """Issues a token, with an id that no token has or had.

        Raises:
            CommandError: the token is not stored afterwards.
        """
        token_id = draw_id()
        key, tokens = token_key(token_id), self._tokens()
        stored, now = tokens.read(key)
        if stored is not None:
            raise CommandError(f"There is a token {token_id} already; issue another one.")
        expires_at = None if lifetime is None else now + lifetime
        issued = issue(token_id, user_id, tokenable_type, abilities, now, expires_at)
        tokens.create(key, token_item(issued.token), now, f"Token {token_id}")
        return issued

    def revoke_token(self, token_id: int) -> bool:
        """Revokes a token for good. Returns False if it was revoked already.

        Raises:
            CommandError: there is no such token, or it is not revoked afterwards.
        """

        def is_done(stored: StoredItem | None, _: datetime) -> bool:
            if stored is None:
                raise CommandError(f"There is no token {token_id}.")
            return TOMBSTONE_FLAG in stored

        key = token_key(token_id)
        return self._tokens().change(key, tombstone_item(key), is_done, f"Token {token_id}")

    def remove_member(self, workspace_id: int, user_id: int) -> bool:
        """Removes a member. Returns False if the user was not a member.

        Raises:
            CommandError: the user is still a member afterwards.
        """

        def is_done(stored: StoredItem | None, _: datetime) -> bool:
            return stored is None or TOMBSTONE_FLAG in stored

        key = membership_key(workspace_id, user_id)
        title = _member_title(workspace_id, user_id)
        return self._members().change(key, tombstone_item(key), is_done, title)

    def set_member(self, membership: Membership) -> bool:
        """Gives a member these permissions. Returns False if the member had exactly these.

        Raises:
            CommandError: the member does not have them afterwards.
        """
        wanted = membership_item(membership)

        def is_done(stored: StoredItem | None, now: datetime) -> bool:
            # A stored item from far ahead would win over all events until then, so it is replaced.
            return stored is not None and is_same(stored, wanted) and not is_ahead(stored, now)

        key = membership_key(membership.workspace_id, membership.user_id)
        title = _member_title(membership.workspace_id, membership.user_id)
        return self._members().change(key, wanted, is_done, title)

    def _tokens(self) -> VersionedItems:
        return VersionedItems(self.dynamodb, self.access_tokens, self.clock)

    def _members(self) -> VersionedItems:
        return VersionedItems(self.dynamodb, self.memberships, self.clock)


def _member_title(workspace_id: int, user_id: int) -> str:
    return f"The membership of user {user_id} in workspace {workspace_id}"
