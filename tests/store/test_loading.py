"""Imports into DynamoDB Local: no row is lost or stored twice, and newer ones are kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.large_data_set import write_large_data_set
from tests.support.database import NAMES, copy_to_memory, load, resources_of
from tests.support.generator import write_dataset
from tests.support.memory_dynamodb import TABLES
from usagectl.loading.loader import Loader
from workspace_usage.rows.row import Source

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

MANY = 7_000
"""More than an import writes between two checkpoints."""

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)


def count(client: "DynamoDBClient", source: Source, workspace_id: int) -> int:
    """Returns how many rows of a workspace a source's table has."""
    pages = client.get_paginator("query").paginate(
        TableName=TABLES[source],
        KeyConditionExpression="workspace_id = :workspace_id",
        ExpressionAttributeValues={":workspace_id": {"N": str(workspace_id)}},
        Select="COUNT",
    )
    return sum(found["Count"] for found in pages)


def test_all_rows_of_a_data_set_are_there(client: "DynamoDBClient", tmp_path: Path) -> None:
    """Each workspace has as many rows in each table as its files have lines."""
    written = write_large_data_set(tmp_path, MANY)
    report = load(tmp_path, client)
    assert sum(report.loaded.values()) == MANY
    for source, by_workspace in written.items():
        counted = {number: count(client, source, number) for number in by_workspace}
        assert counted == by_workspace
    assert sum(by_workspace.total() for by_workspace in written.values()) == MANY


def test_loading_twice_changes_nothing(client: "DynamoDBClient", tmp_path: Path) -> None:
    """Every row, token and member is stored once."""
    write_dataset(tmp_path, 1, NOW, rows=400)
    load(tmp_path, client)
    before = copy_to_memory(client)
    load(tmp_path, client)
    after = copy_to_memory(client)
    assert all(before.tables.values())
    before.tables.pop(NAMES.rollups)
    for table, items in before.tables.items():
        assert sorted(after.tables[table].values(), key=str) == sorted(items.values(), key=str)


class Reluctant:
    """A client whose tables take only some of the items of each first call."""

    def __init__(self, client: "DynamoDBClient", takes: int) -> None:
        self._client = client
        self._takes = takes
        self.exceptions = client.exceptions
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Writes the first items, and gives the others back, as DynamoDB does when it is busy."""
        [(table, requests)] = RequestItems.items()
        taken, others = requests[: self._takes], requests[self._takes :]
        self.refused += len(others)
        answer: Any = self._client.batch_write_item(RequestItems={table: taken})
        assert not answer["UnprocessedItems"]
        return {"UnprocessedItems": {table: others} if others else {}}


def test_what_a_table_did_not_take_is_offered_again(
    client: "DynamoDBClient", tmp_path: Path
) -> None:
    """Items that came back unprocessed are in the tables in the end, all of them."""
    written = write_large_data_set(tmp_path, 500)
    reluctant = Reluctant(client, takes=10)
    load(tmp_path, reluctant)
    assert reluctant.refused > 0
    for source, by_workspace in written.items():
        assert {number: count(client, source, number) for number in by_workspace} == by_workspace


def test_rows_that_events_have_written_are_kept_on_request(
    client: "DynamoDBClient", tmp_path: Path
) -> None:
    """With ``keep_newer``, rows that have a version are kept, and missing ones are added."""
    write_large_data_set(tmp_path, 100)
    load(tmp_path, client)
    items = copy_to_memory(client).tables[TABLES[Source.CURRENT]].values()
    newer = next(iter(items)) | {"version": {"S": "2026"}, "status": {"S": "failed"}}
    client.put_item(TableName=TABLES[Source.CURRENT], Item=newer)
    Loader(resources_of(client), keep_newer=True).load(tmp_path)
    kept = list(copy_to_memory(client).tables[TABLES[Source.CURRENT]].values())
    assert newer in kept
    assert len(kept) == len(items)
    assert sum("version" in item for item in kept) == 1
