"""Random histories of writers, counters and readers, on DynamoDB's own conditions and transactions.

``HISTORIES=2000`` in the environment has forty of them run instead of three.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.dynamodb.process import DynamoDBLocal
from local.template.template import Template
from tests.support.database import database, reader_of
from tests.support.histories import BUSY, ROUGH, USUAL, History, Style, shrink
from tests.support.memory_dynamodb import TABLES
from tests.support.virtual_time import World
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.aws.reader import Reader
from workspace_usage.rows.row import Source

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

HISTORIES: Final = max(3, int(os.environ.get("HISTORIES", "0")) // 50)
CHECK_PROBABILITY: Final = 0.05


@dataclass
class LocalDatabase:
    """A database in DynamoDB Local, as a history uses it."""

    made: "DynamoDBClient"
    made_reader: Reader

    def client(self, _max_items: int) -> "DynamoDBClient":
        """Returns a client, whose responses end where DynamoDB ends them."""
        return self.made

    def reader(self) -> Reader:
        """Returns a reader like a function's."""
        return self.made_reader

    def lagging_reader(self, _world: World) -> Reader:
        """Returns the same: DynamoDB Local does not lag behind."""
        return self.made_reader

    def items(self, source: Source) -> Iterator[StoredItem]:
        """Yields a table's rows."""
        pages = self.made.get_paginator("scan")
        for page in pages.paginate(TableName=TABLES[source], ConsistentRead=True):
            yield from page["Items"]


@pytest.fixture
def new_database(
    engine: DynamoDBLocal, template: Template
) -> Callable[[], AbstractContextManager[Any]]:
    """Makes an empty database: a context manager that gives its client."""
    return lambda: database(engine.url, template)


@pytest.mark.parametrize(
    ("style", "first"),
    # Short histories with many blocks.
    [(USUAL, 8), (ROUGH, 8), (BUSY, 2)],
    ids=["usual", "rough", "busy"],
)
def test_counts_are_right_whatever_happens(
    new_database: Callable[[], AbstractContextManager[Any]],
    monkeypatch: pytest.MonkeyPatch,
    style: Style,
    first: int,
) -> None:
    """The same histories as in memory (``tests.unit.rollups``), fewer and with fewer looks."""
    shrink(monkeypatch)
    checks = blocks = 0
    for seed in range(first, first + HISTORIES // 3):
        with new_database() as client:
            made = LocalDatabase(client, reader_of(client))
            fewer = replace(style, rows=15, readers=0)
            history = History(seed, made, fewer, check_probability=CHECK_PROBABILITY)
            history.run()
        checks += history.figures.checks
        blocks += history.figures.blocks
    assert checks > 0
    assert blocks > 0
