"""DynamoDB's conditional writes to tables in memory, in addition to ``memory_client``'s Query.

It knows the conditions of the recorder's writes; any other condition fails the test. A test can
write something between a read and the write that follows it (``after_read``).
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.support.memory_client import ROLLUPS, TABLES, MemoryClient
from workspace_usage.rows.row import Source
from workspace_usage.rows.tables import Tables

NAMES = Tables(
    executions=TABLES[Source.CURRENT],
    archived_executions=TABLES[Source.ARCHIVED],
    edited_chats=TABLES[Source.EDITED],
    access_tokens="access_tokens",
    memberships="memberships",
    rollups=ROLLUPS,
)
"""The names of the tables in memory."""

_IDS: Final = ("workspace_id", "sort_key", "token_id", "user_id")
type _Item = Mapping[str, Mapping[str, Any]]


class ConditionFailed(ClientError):
    """The condition of a write does not hold.

    Args:
        item: the stored item, or None if there is none or the request does not ask for it.
    """

    def __init__(self, item: _Item | None) -> None:
        error: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
        if item is not None:
            error["Item"] = item
        super().__init__(error, "PutItem")


class TransactionCanceled(ClientError):
    """A condition of a transaction does not hold, and nothing is written."""

    def __init__(self) -> None:
        reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": reasons,
        }
        super().__init__(error, "TransactWriteItems")


class MemoryWriter(MemoryClient):
    """Tables that the recorder can read and write.

    Attributes:
        writes: how many items have been stored.
        after_read: is called after each read of an item, and each Query for counting.
    """

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=ConditionFailed,
        TransactionCanceledException=TransactionCanceled,
    )

    def __init__(self) -> None:
        super().__init__()
        self.tables |= {"access_tokens": {}, "memberships": {}}
        self.writes = 0
        self.after_read: Callable[[], None] = lambda: None

    def get_item(self, *, TableName: str, Key: _Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        """Returns the item of a key."""
        assert ConsistentRead, "an item that is going to be written must be read consistently"
        item = self.tables[TableName].get(_key(TableName, Key))
        self.after_read()
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        """Returns three of the counts that are asked for; the others are not processed."""
        [(table, request)] = RequestItems.items()
        assert request["ConsistentRead"]
        now, later = request["Keys"][:3], request["Keys"][3:]
        found = [self.tables[table].get(_key(table, key)) for key in now]
        unprocessed = {table: {**request, "Keys": later}} if later else {}
        return {
            "Responses": {table: [item for item in found if item]},
            "UnprocessedKeys": unprocessed,
        }

    def query(self, requests: Any = None, **request: Any) -> Any:
        """Responds to a reader's Queries, or to a Query of rows to be counted."""
        if requests is not None:
            return super().query(requests)
        assert request["ConsistentRead"], "rows that are counted must be read consistently"
        values = request["ExpressionAttributeValues"]
        start = request.get("ExclusiveStartKey", {"sort_key": {"S": ""}})["sort_key"]["S"]
        found = sorted(
            (
                item
                for item in self.tables[request["TableName"]].values()
                if item["workspace_id"] == values[":workspace_id"]
                and values[":low"]["S"] <= item["sort_key"]["S"] <= values[":high"]["S"]
                and item["sort_key"]["S"] > start
            ),
            key=lambda item: str(item["sort_key"]["S"]),
        )[: min(request["Limit"], self.max_rows_per_response)]
        self.after_read()
        return {"Items": found, **({"LastEvaluatedKey": found[-1]} if found else {})}

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Stores an item if its condition holds."""
        if not self._holds(request, request["Item"]):
            old = self.tables[request["TableName"]].get(_key(request["TableName"], request["Item"]))
            is_asked_for = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionFailed(old if is_asked_for else None)
        self._store(request)
        return {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Stores several items if all conditions hold."""
        requests = [next(iter(action.items())) for action in TransactItems]
        keys = {
            (r["TableName"], _key(r["TableName"], r.get("Item") or r["Key"])) for _, r in requests
        }
        assert len(keys) == len(requests) <= 100, "DynamoDB accepts 100 items, each once"
        if not all(self._holds(r, r.get("Item", r.get("Key"))) for _, r in requests):
            raise TransactionCanceled
        for kind, request in requests:
            if kind == "Put":
                self._store(request)
        return {}

    def _store(self, request: dict[str, Any]) -> None:
        self.tables[request["TableName"]][_key(request["TableName"], request["Item"])] = request[
            "Item"
        ]
        self.writes += 1

    def _holds(self, request: dict[str, Any], keyed: _Item) -> bool:
        old = self.tables[request["TableName"]].get(_key(request["TableName"], keyed))
        values = request.get("ExpressionAttributeValues", {})
        if request["TableName"] == ROLLUPS:
            return _holds_for_counts(request, old, values)
        version = values.get(":version", {}).get("S", "")
        old_version = None if old is None else old.get("version", {}).get("S")
        is_newer = old_version is None or old_version < version
        is_tombstone = old is not None and "removed" in old
        newer = "attribute_not_exists(version) OR version < :version"
        match request["ConditionExpression"]:
            case condition if condition == newer:
                return is_newer
            case condition if condition == f"attribute_not_exists(removed) OR {newer}":
                return not is_tombstone or is_newer
            case condition if condition == f"attribute_not_exists(removed) AND ({newer})":
                return not is_tombstone and is_newer
            case "attribute_not_exists(sort_key)":
                return old is None
            case "version = :version":
                return old_version is not None and old_version == version
            case "attribute_exists(sort_key) AND attribute_not_exists(version)":
                return old is not None and old_version is None
            case condition:
                raise AssertionError(condition)


def _holds_for_counts(request: dict[str, Any], old: Any, values: dict[str, Any]) -> bool:
    match request.get("ConditionExpression"):
        case None:
            return True
        case "attribute_not_exists(sort_key)":
            return old is None
        case "attribute_not_exists(sort_key) OR generation <= :mine":
            return old is None or int(old["generation"]["N"]) <= int(values[":mine"]["N"])
        case condition:
            names = [name[1:] for name in values]
            assert condition == " AND ".join(f"{name} = :{name}" for name in names)
            return old is not None and all(old[name] == values[f":{name}"] for name in names)


def _key(table: str, item: _Item) -> str:
    if table in ("access_tokens", "memberships"):
        return "/".join(item[name]["N"] for name in _IDS if name in item and name != "sort_key")
    return f"{item['workspace_id']['N']}/{item['sort_key']['S']}"
