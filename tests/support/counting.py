"""Rows to be counted in the stack's tables, requests to count them, and what was counted."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import batched
from typing import Any, Final

from benchmarks.rows import row_of_age
from local.store.clients import Clients
from local.template.template import Template
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.rollups.blocks import Marks
from workspace_usage.rollups.counter import Counter
from workspace_usage.rollups.items import Day, days_query, mark_key, state_of, state_query
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.rows.tables import RowTables
from workspace_usage.values import to_milliseconds

NOW: Final = datetime.now(UTC)

OLDEST: Final = NOW - (NOW.replace(hour=0, minute=30) - timedelta(days=1))
"""The age at ``NOW`` of the row before the first one; each row is a minute younger.

All rows are of yesterday: if some were of another day, they would be in another block, and which
ones would depend on the time at which the tests run.
"""

_ROW_TABLES: Final = ("Executions", "ArchivedExecutions", "EditedChats", "Rollups")


def count_batch(*bodies: object) -> dict[str, Any]:
    """Returns an event with the messages ``m0``, ``m1`` …; each is a workspace's, or any text."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "body": body if isinstance(body, str) else json.dumps({"workspace_id": body}),
            }
            for number, body in enumerate(bodies)
        ]
    }


@dataclass(frozen=True, slots=True)
class CountedTables:
    """The stack's tables of rows and of counts.

    Attributes:
        clients: reach the tables.
        template: knows their names.
        zone: the time zone by whose days rows are counted.
    """

    clients: Clients
    template: Template
    zone: tzinfo = UTC

    def name(self, table: str) -> str:
        """Returns the name of a table in the stack."""
        return self.template.resources[f"{table}Table"].name

    def put_rows(self, workspace_id: int, numbers: range) -> None:
        """Stores rows of user 42 that are old enough to be counted; the last one is the newest."""
        items = []
        for number in numbers:
            row = row_of_age(Source.CURRENT, number, OLDEST - timedelta(minutes=number), NOW)
            items.append(to_stored_item(row._replace(workspace_id=workspace_id, user_id=42)))
        for batch in batched(items, 25, strict=False):
            requests: Any = [{"PutRequest": {"Item": item}} for item in batch]
            self.clients.dynamodb.batch_write_item(RequestItems={self.name("Executions"): requests})

    def count(self, workspace_id: int, age: timedelta) -> None:
        """Counts a workspace as if that had happened some time before ``NOW``."""
        tables = RowTables(*map(self.name, _ROW_TABLES))
        Counter(self.clients.dynamodb, tables, self.zone, lambda: NOW - age).count(workspace_id)

    def put_mark(self, workspace_id: int, number: int, age: timedelta) -> None:
        """Stores a mark of the hour of a row, as if it had been put some time ago."""
        span = f"{NOW - OLDEST + timedelta(minutes=number):%Y-%m-%dT%H}"
        marked_at = {"N": str(to_milliseconds(datetime.now(UTC) - age))}
        item = {**item_key(workspace_id, mark_key(span)), "marked_at": marked_at}
        self.clients.dynamodb.put_item(TableName=self.name("Rollups"), Item=item)

    def spoil_row(self, workspace_id: int) -> None:
        """Changes a row so that it can't be read."""
        row = to_stored_item(row_of_age(Source.CURRENT, 1, OLDEST - timedelta(minutes=1), NOW))
        ids = {"workspace_id": {"N": str(workspace_id)}, "user_id": {"N": "42"}}
        item: Any = {**row, **ids, "credits": {"S": "spoiled"}}
        self.clients.dynamodb.put_item(TableName=self.name("Executions"), Item=item)

    def delete(self, table: str) -> None:
        """Deletes a table."""
        name = self.name(table)
        self.clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        self.clients.dynamodb.delete_table(TableName=name)

    def counted_rows(self, workspace_id: int) -> int:
        """Returns how many of a workspace's rows are in blocks."""
        query = days_query(self.name("Rollups"), workspace_id, date.min, date.max)
        days = map(Day.from_item, self._query(query))
        return sum(block.rows for day in days for block in day.blocks)

    def marks(self, workspace_id: int) -> Marks:
        """Returns a workspace's marks."""
        return state_of(self._query(state_query(self.name("Rollups"), workspace_id)))[1]

    def _query(self, request: Any) -> list[Any]:
        return self.clients.dynamodb.query(**request)["Items"]
