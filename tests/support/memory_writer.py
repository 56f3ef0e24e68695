"""DynamoDB's conditional writes on items in memory, beside ``memory_client``'s Query.

It knows the conditions that the recorder writes, and fails the test for any other. A test can let
another writer in between a read and the write that follows it.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

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

KEYS = ("workspace_id", "sort_key", "token_id", "user_id")
type _Item = Mapping[str, Mapping[str, Any]]


class ConditionFailed(ClientError):
    """One item was not as the writer expected; ``item`` is what it was, where it is asked for."""

    def __init__(self, item: _Item | None) -> None:
        error: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
        if item is not None:
            error["Item"] = item
        super().__init__(error, "PutItem")


class TransactionCanceled(ClientError):
    """Some item of a transaction was not as the writer expected; nothing was written."""

    def __init__(self) -> None:
        reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": reasons,
        }
        super().__init__(error, "TransactWriteItems")


class MemoryWriter(MemoryClient):
    """Tables that can be written as the recorder writes them; ``writes`` counts what was stored."""

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
        """The item of a key."""
        assert ConsistentRead, "what is read to be written must be of this moment"
        item = self.tables[TableName].get(_key(TableName, Key))
        self.after_read()
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        """Some of the counts, as of now; not all of them at once."""
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
        """A reader's Queries, or one that is made to count rows."""
        if requests is not None:
            return super().query(requests)
        assert request["ConsistentRead"], "what is counted must be of this moment"
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
        """Stores an item under its condition."""
        if not self._holds(request, request["Item"]):
            old = self.tables[request["TableName"]].get(_key(request["TableName"], request["Item"]))
            is_asked_for = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionFailed(old if is_asked_for else None)
        self._store(request)
        return {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Stores several items under their conditions, or none."""
        requests = [next(iter(action.items())) for action in TransactItems]
        keys = {
            (r["TableName"], _key(r["TableName"], r.get("Item") or r["Key"])) for _, r in requests
        }
        assert len(keys) == len(requests) <= 100, "DynamoDB takes a hundred, each item once"
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
            return _guard_holds(request, old, values)
        version = values.get(":version", {}).get("S", "")
        found = None if old is None else old.get("version", {}).get("S")
        is_newer = found is None or found < version
        is_living = old is None or "removed" not in old
        newer = "attribute_not_exists(version) OR version < :version"
        match request["ConditionExpression"]:
            case condition if condition == newer:
                return is_newer
            case condition if condition == f"attribute_not_exists(removed) OR {newer}":
                return is_living or is_newer
            case condition if condition == f"attribute_not_exists(removed) AND ({newer})":
                return is_living and is_newer
            case "attribute_not_exists(sort_key)":
                return old is None
            case "version = :version":
                return found is not None and found == version
            case "attribute_exists(sort_key) AND attribute_not_exists(version)":
                return old is not None and found is None
            case condition:
                raise AssertionError(condition)


def _guard_holds(request: dict[str, Any], old: Any, values: dict[str, Any]) -> bool:
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
        return "/".join(item[name]["N"] for name in KEYS if name in item and name != "sort_key")
    return f"{item['workspace_id']['N']}/{item['sort_key']['S']}"
