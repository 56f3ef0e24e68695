"""A store in memory to load data sets into, and small data sets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError

from usagectl.data_set.payload_files import (
    PAYLOAD_FILES,
)
from usagectl.resources import Resources
from usagectl.row_batches import BotocoreBatches
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.rows.tables import Tables

TOKENS, MEMBERS = PAYLOAD_FILES[0], PAYLOAD_FILES[1]
NAMES = Tables(
    executions="executions",
    archived_executions="archived",
    edited_chats="edited",
    access_tokens="tokens",
    memberships="members",
    rollups="rollups",
)


class Refused(ClientError):
    """The error of a table if the condition of a write does not hold."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")


@dataclass
class Store:
    """DynamoDB, S3 and Systems Manager, as far as loading needs them. They fail on request.

    Attributes:
        items: what is stored, by table and key.
        refuses: returns how many items of a call are not taken, as if the table was throttled.
        fails_after: how many calls succeed before one fails, or None if all succeed.
    """

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    refuses: Callable[[], int] = lambda: 0
    fails_after: int | None = None
    calls: int = 0

    class exceptions:  # noqa: N801 - as boto3 spells it
        """Where boto3 has a client's errors."""

        ConditionalCheckFailedException = Refused

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Stores items, but not those that are to be refused."""
        self._call()
        [(table, requests)] = RequestItems.items()
        assert 0 < len(requests) <= 25
        keys = {_key_of(request["PutRequest"]["Item"]) for request in requests}
        assert len(keys) == len(requests), "one call must not name an item twice"
        taken = len(requests) - min(self.refuses(), len(requests))
        for request in requests[:taken]:
            self._put(table, request["PutRequest"]["Item"])
        left = requests[taken:]
        return {"UnprocessedItems": {table: left} if left else {}}

    def put_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Item: Any,  # noqa: N803
        ConditionExpression: str,  # noqa: N803
        **_: Any,
    ) -> None:
        """Stores an item, unless the stored one has a version; or a mark, unless one is there."""
        self._call()
        if TableName == NAMES.rollups:
            assert "marked_at < :now" in ConditionExpression
            self._put(TableName, Item)
            return
        assert ConditionExpression == "attribute_not_exists(version)"
        if "version" in self.items.get(TableName, {}).get(_key_of(Item), {}):
            raise Refused
        self._put(TableName, Item)

    def put_object(self, *, Bucket: str, Key: str, Body: Any, ContentType: str) -> None:  # noqa: N803
        """Stores a file."""
        self._call()
        assert Bucket == "media"
        self.objects[Key] = (Body.read(), ContentType)

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803
        """Stores a setting."""
        assert (Type, Overwrite) == ("String", True)
        self.settings[Name] = Value

    def _call(self) -> None:
        self.calls += 1
        if self.fails_after is not None and self.calls > self.fails_after:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "BatchWriteItem")

    def _put(self, table: str, item: Any) -> None:
        self.items.setdefault(table, {})[_key_of(item)] = item


def _key_of(item: Any) -> str:
    names = ("token_id", "workspace_id", "user_id", "sort_key")
    return "/".join(value for name in names for value in item.get(name, {}).values())


@dataclass
class Requests:
    """SQS, as far as counting is requested: the workspaces, and after what time if it is said."""

    sent: list[tuple[int, int | None]] = field(default_factory=list)

    def send_message(self, *, QueueUrl: str, MessageBody: str, **others: int) -> None:  # noqa: N803
        """Notes a request."""
        assert QueueUrl == "counts"
        self.sent.append((json.loads(MessageBody)["workspace_id"], others.get("DelaySeconds")))


def queue_of(requests: Requests) -> CountQueue:
    """Returns the queue that takes requests to count."""
    return CountQueue(cast(Any, requests), "counts")


def resources_of(
    store: object,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    requests: Requests | None = None,
) -> Resources:
    """Returns a store as resources to load into.

    Args:
        store: ``Store``, or what takes the place of all clients.
        clock: gives the time of marks.
        requests: takes requests to count.
    """
    client = cast(Any, store)
    return Resources(
        tables=NAMES,
        bucket="media",
        min_date_parameter="min-date",
        dynamodb=client,
        dynamodb_once=client,
        row_batches=BotocoreBatches(client),
        count_queue=queue_of(requests or Requests()),
        clock=clock,
        s3=client,
        ssm=client,
        zone=UTC,
    )


def member(user_id: int, *permissions: str, workspace_id: int = 11) -> str:
    """Returns a line of ``members.ndjson``."""
    payload = {"workspace_id": workspace_id, "user_id": user_id, "permissions": permissions}
    return json.dumps(payload) + "\n"


def write_members(folder: Path, *lines: str) -> Path:
    """Writes a data set that has members only."""
    folder.mkdir(exist_ok=True)
    path = folder / MEMBERS.name
    path.write_text("".join(lines), "utf-8")
    return path


def items_of(*users: int) -> list[Attributes]:
    """Returns memberships as stored items."""
    return [{"workspace_id": {"N": "11"}, "user_id": {"N": str(user)}} for user in users]


def permissions(store: Store) -> dict[str, list[str]]:
    """Returns the stored permissions of each member, by ``workspace/user``."""
    stored = store.items.get("members", {})
    return {key: [p["S"] for p in item["permissions"]["L"]] for key, item in stored.items()}
