"""DynamoDB's Query on rows in memory: fast enough for thousands of examples.

It accepts the store's requests and no others: any other request fails the test. Like DynamoDB it
may stop early (DynamoDB at a size, this one at a number of rows), and then says where to continue.
Its tables can be made to fail. It calls a function before each response, so that a test can change
the data between two requests.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from workspace_usage.rows.row import Row, Source, to_stored_item

TABLES = {source: source.value for source in Source}
"""Each source's table name here."""

ROLLUPS = "rollups"
"""The name of the table of counts."""

INDEXES = {
    None: {"workspace_id"},
    "by_user": {"workspace_id", "user_id"},
    "by_type": {"workspace_id", "agent_type"},
    "by_user_and_type": {"workspace_id", "user_id", "agent_type"},
}
ALLOWED = {
    "TableName",
    "IndexName",
    "KeyConditionExpression",
    "ExpressionAttributeValues",
    "ScanIndexForward",
    "Limit",
    "ExclusiveStartKey",
}


class MemoryClient:
    """Three tables of rows and one of counts; it remembers all requests.

    Args:
        rows: are stored in their sources' tables.
        max_rows_per_response: the most rows of one response, whatever is asked for.
    """

    def __init__(self, rows: Iterable[Row] = (), max_rows_per_response: int = 10**9) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {
            name: {} for name in (*TABLES.values(), ROLLUPS)
        }
        self.requests: list[dict[str, Any]] = []
        self.max_rows_per_response = max_rows_per_response
        self.failing_tables: set[str] = set()
        self.before_response: Callable[[], None] = lambda: None
        self._lock = Lock()
        for row in rows:
            self.put(row)

    def put(self, row: Row) -> None:
        """Stores ``row`` in its source's table."""
        key = f"{row.workspace_id}/{row.position.sort_key}"
        self.tables[TABLES[row.source]][key] = to_stored_item(row)

    def delete(self, row: Row) -> None:
        """Removes ``row`` from its source's table."""
        del self.tables[TABLES[row.source]][f"{row.workspace_id}/{row.position.sort_key}"]

    def query(self, requests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns DynamoDB's responses to the store's Queries."""
        return [self._query(request) for request in requests]

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.before_response()
            self.requests.append(request)
            return self._respond(request)

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        """Returns one of the stored counts."""
        assert TableName == ROLLUPS
        assert ConsistentRead
        item = self.tables[ROLLUPS].get(key_of(Key))
        return {} if item is None else {"Item": item}

    def _rollups(self, request: dict[str, Any]) -> dict[str, Any]:
        values = request["ExpressionAttributeValues"]
        assert (
            request["KeyConditionExpression"]
            == "workspace_id = :id AND sort_key BETWEEN :low AND :high"
        )
        assert request["ConsistentRead"], "counts must be those of their head, or newer"
        found = [
            item
            for item in self.tables[ROLLUPS].values()
            if item["workspace_id"] == values[":id"]
            and values[":low"]["S"] <= item["sort_key"]["S"] <= values[":high"]["S"]
        ]
        backwards = not request.get("ScanIndexForward", True)
        found.sort(key=lambda item: str(item["sort_key"]["S"]), reverse=backwards)
        return {"Items": found}

    def _respond(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["TableName"] == ROLLUPS:
            return self._rollups(request)
        assert set(request) <= ALLOWED, "a request that is not a plain key condition"
        table, values = request["TableName"], request["ExpressionAttributeValues"]
        if table in self.failing_tables:
            throttled: Any = {"Error": {"Code": "ProvisionedThroughputExceededException"}}
            raise ClientError(throttled, "Query")
        key = {name[1:]: value for name, value in values.items() if name not in (":low", ":high")}
        index = request.get("IndexName")
        assert set(key) == INDEXES[index], "the condition must name the whole partition key"
        assert table != TABLES[Source.EDITED] or index in (None, "by_user"), "no such index"
        conditions = [f"{name} = :{name}" for name in key] + ["sort_key BETWEEN :low AND :high"]
        assert request["KeyConditionExpression"] == " AND ".join(conditions)
        assert request["ScanIndexForward"] is False
        low, high = values[":low"]["S"], values[":high"]["S"]
        assert low <= high, "DynamoDB refuses a BETWEEN whose ends are in the wrong order"
        start = request.get("ExclusiveStartKey", {"sort_key": {"S": "~"}})["sort_key"]["S"]
        found = sorted(
            (
                item
                for item in self.tables[table].values()
                if all(item[name] == value for name, value in key.items())
                and low <= item["sort_key"]["S"] <= high
                and item["sort_key"]["S"] < start
            ),
            key=lambda item: str(item["sort_key"]["S"]),
            reverse=True,
        )
        limit = min(request["Limit"], self.max_rows_per_response)
        response: dict[str, Any] = {"Items": found[:limit]}
        if len(found) >= limit:
            # Like DynamoDB, which doesn't look whether anything follows.
            response["LastEvaluatedKey"] = {**key, "sort_key": response["Items"][-1]["sort_key"]}
        return response


def key_of(item: Any) -> str:
    """Returns the key of an item in a table of rows or counts, as one text."""
    return f"{item['workspace_id']['N']}/{item['sort_key']['S']}"
