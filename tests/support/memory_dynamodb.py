"""DynamoDB in memory: fast enough for thousands of examples.

It has the operations that readers, the recorder and the counter use. A request that DynamoDB would
refuse, or that this service doesn't make, fails the test. Like DynamoDB it may stop early (DynamoDB
at a size, this one at a number of items), and then says where to continue. What was written is
there at once, for all readers (``histories`` has a reader that lags behind).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from operator import itemgetter
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rows.row import Row, Source, to_stored_item
from workspace_usage.rows.tables import Tables

TABLES: Final = {source: source.value for source in Source}
"""Each source's table name here."""

NAMES: Final = Tables(
    executions=TABLES[Source.CURRENT],
    archived_executions=TABLES[Source.ARCHIVED],
    edited_chats=TABLES[Source.EDITED],
    access_tokens="access_tokens",
    memberships="memberships",
    rollups="rollups",
)
"""The names of the tables in memory."""

ROLLUPS: Final = NAMES.rollups
"""The name of the table of counts."""

type Items = dict[str, dict[str, Any]]
"""A table's items by ``key_of``."""

_KEYS: Final = {NAMES.access_tokens: ("token_id",), NAMES.memberships: ("workspace_id", "user_id")}
_ROW_KEY: Final = ("workspace_id", "sort_key")
_INDEXES: Final = {
    None: {"workspace_id"},
    "by_user": {"workspace_id", "user_id"},
    "by_type": {"workspace_id", "agent_type"},
    "by_user_and_type": {"workspace_id", "user_id", "agent_type"},
}
_INDEXES_OF_TABLE: Final[dict[str, set[str | None]]] = {
    ROLLUPS: {None},
    NAMES.edited_chats: {None, "by_user"},
}
_QUERY_PARAMETERS: Final = {
    "TableName",
    "IndexName",
    "KeyConditionExpression",
    "ExpressionAttributeValues",
    "ScanIndexForward",
    "ConsistentRead",
    "Limit",
    "ExclusiveStartKey",
}


class ConditionFailed(ClientError):
    """The condition of a write does not hold.

    Args:
        item: the stored item, or None if there is none or the request does not ask for it.
    """

    def __init__(self, item: StoredItem | None) -> None:
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


class MemoryDynamoDB:
    """A client of tables in memory, and a reader of them (``aws.reader.Reader``).

    Args:
        rows: are stored in their sources' tables.
        max_items: the most items of one response, whatever is asked for.
        tables: the tables' items by name, if other clients have them too.

    Attributes:
        tables: the tables' items by name.
        requests: the Queries that were made.
        writes: how many items have been stored.
        failing_tables: tables whose Queries fail.
        after_read: is called after each read of one item.
        before_write: is called before an item is stored or deleted, with its table and key.
    """

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=ConditionFailed,
        TransactionCanceledException=TransactionCanceled,
    )

    def __init__(
        self,
        rows: Iterable[Row] = (),
        max_items: int = 10**9,
        tables: dict[str, Items] | None = None,
    ) -> None:
        names = [*TABLES.values(), NAMES.access_tokens, NAMES.memberships, ROLLUPS]
        self.tables: dict[str, Items] = tables or {name: {} for name in names}
        self.requests: list[dict[str, Any]] = []
        self.writes = 0
        self.failing_tables: set[str] = set()
        self.after_read: Callable[[], None] = lambda: None
        self.before_write: Callable[[str, str], None] = lambda _table, _key: None
        self._max_items = max_items
        for row in rows:
            self.put(row)

    # --- For tests --------------------------------------------------------------------------------

    def put(self, row: Row) -> None:
        """Stores ``row`` in its source's table."""
        self._store(TABLES[row.source], to_stored_item(row))

    def delete(self, row: Row) -> None:
        """Removes ``row`` from its source's table."""
        del self.tables[TABLES[row.source]][key_of(TABLES[row.source], to_stored_item(row))]

    # --- DynamoDB's operations --------------------------------------------------------------------

    def query(self, requests: Any = None, **request: Any) -> Any:
        """Returns the responses to a reader's Queries, or the response to a client's Query."""
        if requests is None:
            return self._query(request)
        return [self._query(request) for request in requests]

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        assert set(request) <= _QUERY_PARAMETERS, "a request that is not a plain key condition"
        table, values = request["TableName"], request["ExpressionAttributeValues"]
        if table in self.failing_tables:
            throttled: Any = {"Error": {"Code": "ProvisionedThroughputExceededException"}}
            raise ClientError(throttled, "Query")
        key, low, high = _key_condition(request["KeyConditionExpression"], values)
        index = request.get("IndexName")
        assert set(key) == _INDEXES[index], "the condition must name the whole partition key"
        assert index in _INDEXES_OF_TABLE.get(table, set(_INDEXES)), "no such index"
        assert index is None or not request.get("ConsistentRead"), "indexes lag behind"
        is_forward = request.get("ScanIndexForward", True)
        if (start := request.get("ExclusiveStartKey")) is not None:
            at = start["sort_key"]["S"]
            low, high = (max(low, f"{at}\0"), high) if is_forward else (low, min(high, at))
        first = None if start is None else start["sort_key"]["S"]
        found = [
            (sort_key, item)
            for item in self.tables[table].values()
            if low <= (sort_key := item["sort_key"]["S"]) <= high
            and sort_key != first
            and item.items() >= key.items()
        ]
        found.sort(key=itemgetter(0), reverse=not is_forward)
        limit = min(request.get("Limit", self._max_items), self._max_items)
        response: dict[str, Any] = {"Items": [dict(item) for _, item in found[:limit]]}
        if len(found) >= limit:
            # Like DynamoDB, which doesn't look whether anything follows.
            response["LastEvaluatedKey"] = {**key, "sort_key": {"S": found[limit - 1][0]}}
        return response

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803 - boto3's names
        Key: StoredItem,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
    ) -> dict[str, Any]:
        """Returns the item of a key."""
        is_consistent = ConsistentRead or TableName == ROLLUPS
        assert is_consistent, "an item that is going to be written must be read consistently"
        item = self.tables[TableName].get(key_of(TableName, Key))
        self.after_read()
        return {} if item is None else {"Item": dict(item)}

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Stores an item if its condition holds."""
        table, item = request["TableName"], request["Item"]
        if not self._holds(request, item):
            is_asked_for = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            old = self.tables[table].get(key_of(table, item))
            raise ConditionFailed(old if is_asked_for else None)
        self._store(table, item)
        return {}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Deletes an item if its condition holds."""
        if not self._holds(request, request["Key"]):
            raise ConditionFailed(None)
        self._delete(request["TableName"], request["Key"])
        return {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Makes several writes if all conditions hold."""
        writes = [next(iter(action.items())) for action in TransactItems]
        keyed = [(write, write.get("Item") or write["Key"]) for _, write in writes]
        keys = {(write["TableName"], key_of(write["TableName"], item)) for write, item in keyed}
        assert len(keys) == len(writes) <= 100, "DynamoDB accepts 100 items, each once"
        if not all(self._holds(write, item) for write, item in keyed):
            raise TransactionCanceled
        for kind, write in writes:
            if kind == "Put":
                self._store(write["TableName"], write["Item"])
            elif kind == "Delete":
                self._delete(write["TableName"], write["Key"])
            else:
                assert kind == "ConditionCheck"
        return {}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Stores and deletes items without conditions."""
        for table, writes in RequestItems.items():
            made = [next(iter(write.items())) for write in writes]
            keys = {key_of(table, write.get("Item") or write["Key"]) for _, write in made}
            assert len(keys) == len(made) <= 25, "DynamoDB accepts 25 items, each once"
            for kind, write in made:
                if kind == "PutRequest":
                    self._store(table, write["Item"])
                else:
                    self._delete(table, write["Key"])
        return {"UnprocessedItems": {}}

    def _store(self, table: str, item: StoredItem) -> None:
        key = key_of(table, item)
        self.before_write(table, key)
        self.tables[table][key] = dict(item)
        self.writes += 1

    def _delete(self, table: str, item: StoredItem) -> None:
        key = key_of(table, item)
        self.before_write(table, key)
        self.tables[table].pop(key, None)

    def _holds(self, request: Mapping[str, Any], keyed: StoredItem) -> bool:
        old = self.tables[request["TableName"]].get(key_of(request["TableName"], keyed))
        condition = request.get("ConditionExpression")
        values = request.get("ExpressionAttributeValues", {})
        return condition is None or _holds(condition, old or {}, values)


def key_of(table: str, item: StoredItem) -> str:
    """Returns the key of a table's item as one text, such as ``11/2026-01-05T…``."""
    names = _KEYS.get(table, _ROW_KEY)
    return "/".join(next(iter(item[name].values())) for name in names)


@cache
def _equalities(condition: str) -> list[tuple[str, str]]:
    """Returns the attributes of a key condition that are compared with ``=``, and the values."""
    equals = re.findall(r"(\w+) = (:\w+)", condition)
    parts = [f"{name} = {value}" for name, value in equals]
    assert condition == " AND ".join([*parts, "sort_key BETWEEN :low AND :high"])
    return equals


def _key_condition(condition: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Returns the attributes that a Query's items have, and the bounds of their sort keys."""
    equals = _equalities(condition)
    assert set(values) == {":low", ":high", *(value for _, value in equals)}
    low, high = values[":low"]["S"], values[":high"]["S"]
    assert low <= high, "DynamoDB refuses a BETWEEN whose ends are in the wrong order"
    return {name: values[value] for name, value in equals}, low, high


def _holds(condition: str, item: StoredItem, values: Mapping[str, Any]) -> bool:
    """Returns whether a ConditionExpression holds for an item, which is empty if there is none."""
    for operator, combine in ((" OR ", any), (" AND ", all)):
        if len(parts := _split(condition, operator)) > 1:
            return combine(_holds(part, item, values) for part in parts)
    if condition.startswith("("):
        return _holds(condition[1:-1], item, values)
    if found := re.fullmatch(r"attribute_(not_)?exists\((\w+)\)", condition):
        return (found[2] in item) is (found[1] is None)
    compared = re.fullmatch(r"(\w+) (=|<) (:\w+)", condition)
    assert compared is not None, condition
    name, operator, value = compared.groups()
    if name not in item:
        return False
    ours, theirs = _comparable(item[name]), _comparable(values[value])
    return bool(ours == theirs if operator == "=" else ours < theirs)


def _split(condition: str, operator: str) -> list[str]:
    """Splits a condition at an operator that is not in parentheses."""
    parts = [""]
    for part in condition.split(operator):
        if parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += operator + part
        elif parts == [""]:
            parts = [part]
        else:
            parts.append(part)
    return parts


def _comparable(value: Mapping[str, Any]) -> Any:
    return Decimal(value["N"]) if "N" in value else value["S"]
