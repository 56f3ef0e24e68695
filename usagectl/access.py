"""Tokens and memberships as an operator reads and writes them: what is asked for wins, or it fails.

A change is a version over what is stored, written on the condition that this is still there, and
read back. So it also wins over an event whose moment lies ahead of the clock, as far as year 9999,
and over the operator's own clock: the time is the service's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from usagectl.errors import CommandError
from usagectl.tokens import IssuedToken, draw_id, issue
from workspace_usage.access.items import (
    TOMBSTONE_FLAG,
    membership_item,
    membership_key,
    token_item,
    token_key,
)
from workspace_usage.access.scope import Membership
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.recording.versions import MAX_CLOCK_SKEW, moment_of, tombstone_item, version_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS: Final = 5
"""How often a change is tried while others change the same item."""

type Stored = Mapping[str, Any]
"""An item that was read, in DynamoDB JSON."""


def _local_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class AccessTables:
    """The AccessTokens and Memberships tables of one deployment.

    Attributes:
        clock: the time where the service does not tell it.
    """

    dynamodb: "DynamoDBClient"
    access_tokens: str
    memberships: str
    clock: Callable[[], datetime] = _local_clock

    def token(self, token_id: int) -> Stored | None:
        """Returns a token's item, or its tombstone, as of now; None: there never was one."""
        return self._read(self.access_tokens, token_key(token_id))[0]

    def tokens(self, user_id: int, tokenable_type: str) -> Iterator[Stored]:
        """Yields the items of a user's tokens; the whole table is read for it."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.access_tokens,
            FilterExpression="tokenable_id = :user AND tokenable_type = :type",
            ExpressionAttributeValues={
                ":user": {"N": str(user_id)},
                ":type": {"S": tokenable_type},
            },
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def member(self, workspace_id: int, user_id: int) -> Stored | None:
        """Returns a membership's item as of now; None: the user is not a member."""
        item, _ = self._read(self.memberships, membership_key(workspace_id, user_id))
        return None if item is None or TOMBSTONE_FLAG in item else item

    def members(self, workspace_id: int) -> Iterator[Stored]:
        """Yields the items of a workspace's memberships, by user."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.memberships,
            KeyConditionExpression="workspace_id = :workspace",
            ExpressionAttributeValues={":workspace": {"N": str(workspace_id)}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from (item for item in page["Items"] if TOMBSTONE_FLAG not in item)

    def issue_token(
        self,
        user_id: int,
        tokenable_type: str,
        abilities: frozenset[str],
        lifetime: timedelta | None,
    ) -> IssuedToken:
        """Issues a token, under an id that no token has or had.

        Raises:
            CommandError: it is not there afterwards.
        """
        token_id = draw_id()
        key = token_key(token_id)
        stored, now = self._read(self.access_tokens, key)
        expires_at = None if lifetime is None else now + lifetime
        issued = issue(token_id, user_id, tokenable_type, abilities, now, expires_at)
        wanted = token_item(issued.token)
        if stored is not None:
            raise CommandError(f"There is a token {token_id} already; issue another.")
        # Where this fails, a first try may have succeeded: the hash in the table tells.
        self._replace(self.access_tokens, key, None, _versioned(None, wanted, now))
        self._check(self.access_tokens, key, wanted, f"Token {token_id}")
        return issued

    def revoke_token(self, token_id: int) -> bool:
        """Revokes a token for good; returns False if it was revoked already.

        Raises:
            CommandError: there is no such token, or it is not revoked afterwards.
        """
        key = token_key(token_id)

        def is_done(stored: Stored | None, _: datetime) -> bool:
            if stored is None:
                raise CommandError(f"There is no token {token_id}.")
            return TOMBSTONE_FLAG in stored

        return self._change(
            self.access_tokens, key, tombstone_item(key), is_done, f"Token {token_id}"
        )

    def remove_member(self, workspace_id: int, user_id: int) -> bool:
        """Removes a member; returns False if the user was not one.

        Raises:
            CommandError: the user is still a member afterwards.
        """
        key = membership_key(workspace_id, user_id)

        def is_done(stored: Stored | None, _: datetime) -> bool:
            return stored is None or TOMBSTONE_FLAG in stored

        what = f"The membership of user {user_id} in workspace {workspace_id}"
        return self._change(self.memberships, key, tombstone_item(key), is_done, what)

    def set_member(self, membership: Membership) -> bool:
        """Gives a member these permissions; returns False if it had exactly these already.

        Raises:
            CommandError: the member does not have them afterwards.
        """
        wanted = membership_item(membership)

        def is_done(stored: Stored | None, now: datetime) -> bool:
            # From so far ahead it would win over all that the platform says until then.
            return stored is not None and _says(stored, wanted) and not _is_ahead(stored, now)

        key = membership_key(membership.workspace_id, membership.user_id)
        what = f"The membership of user {membership.user_id} in workspace {membership.workspace_id}"
        return self._change(self.memberships, key, wanted, is_done, what)

    def _change(
        self,
        table: str,
        key: Attributes,
        wanted: Attributes,
        is_done: Callable[[Stored | None, datetime], bool],
        what: str,
    ) -> bool:
        """Brings an item to what is wanted; returns False if there was nothing to do."""
        tried: Attributes | None = None
        for _ in range(ATTEMPTS):
            stored, now = self._read(table, key)
            # A write whose answer was lost is made again by botocore, and refused then.
            if stored is not None and stored == tried:
                return True
            if is_done(stored, now):
                return False
            tried = _versioned(stored, wanted, now)
            if self._replace(table, key, stored, tried):
                self._check(table, key, wanted, what)
                return True
        raise CommandError(f"{what} is being changed by others all the time; try again.")

    def _replace(
        self, table: str, key: Attributes, stored: Stored | None, item: Attributes
    ) -> bool:
        """Writes an item in the place of what was read; False if that is not there now."""
        name, values = next(iter(key)), {}
        if stored is None:
            condition = f"attribute_not_exists({name})"
        elif "version" in stored:
            condition, values = "version = :read", {":read": dict(stored["version"])}
        else:
            condition = f"attribute_exists({name}) AND attribute_not_exists(version)"
        request: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        try:
            self.dynamodb.put_item(
                TableName=table,
                Item=item,
                ConditionExpression=condition,
                **request,
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _check(self, table: str, key: Attributes, wanted: Attributes, what: str) -> None:
        """Raises ``CommandError`` unless the table says what is wanted."""
        stored, _ = self._read(table, key)
        if stored is None or not _says(stored, wanted):
            raise CommandError(
                f"{what} is not as asked: something else has changed it meanwhile; try again."
            )

    def _read(self, table: str, key: Attributes) -> tuple[Stored | None, datetime]:
        """Returns an item as of now, and the service's time."""
        answer = self.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
        return answer.get("Item"), _time_of(answer, self.clock())


def _says(stored: Stored, wanted: Attributes) -> bool:
    """Whether an item says what is wanted, whenever and by whatever it was written."""
    others = {"version", "purge_at"}
    return {name: value for name, value in stored.items() if name not in others} == wanted


def _is_ahead(stored: Stored, now: datetime) -> bool:
    """Whether an item's moment lies where the recorder would refuse an event's by now."""
    moment = moment_of(stored)
    return moment is not None and moment - now > MAX_CLOCK_SKEW


def _versioned(stored: Stored | None, wanted: Attributes, now: datetime) -> Attributes:
    """Returns what is wanted, with a version that wins over what is stored."""
    version = version_of(_moment_over(stored, now), TOMBSTONE_FLAG in wanted, wanted)
    return {**wanted, "version": {"S": version}}


def _moment_over(stored: Stored | None, now: datetime) -> datetime:
    """The moment of a change that wins over what is stored, also when its event comes again.

    An event from too far ahead would be refused if it came again. All others are overtaken.
    """
    moment = None if stored is None else moment_of(stored)
    if stored is None or moment is None or _is_ahead(stored, now):
        return now
    return max(now, moment + timedelta(microseconds=1))


def _time_of(answer: Mapping[str, Any], local: datetime) -> datetime:
    """The service's time, by the ``Date`` of its answer; ``local`` where it has none.

    ``Date`` has whole seconds. Within them the local clock is right, if it is right at all.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        second = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return local
    return min(max(local, second), second + timedelta(microseconds=999_999))
