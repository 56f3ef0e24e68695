"""Tables of a history: in memory, with readers that lag behind; or any others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from tests.support.memory_dynamodb import TABLES, Items, MemoryDynamoDB
from tests.support.virtual_time import Killed, Pace, World
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rollups.blocks import READ
from workspace_usage.rows.row import Source

LAG: Final = timedelta(seconds=1)
"""How far an eventually consistent read may be behind."""


class Database(Protocol):
    """The tables of one history."""

    def client(self, max_items: int, /) -> Any:
        """Returns a client."""

    def reader(self) -> Any:
        """Returns a reader whose reads take no time and do not lag behind."""

    def lagging_reader(self, world: World, /) -> Any:
        """Returns a reader that may read what was there up to ``LAG`` ago."""

    def items(self, source: Source) -> Iterator[StoredItem]:
        """Yields a table's rows."""


@dataclass
class MemoryDatabase:
    """Tables in memory."""

    tables: dict[str, Items] = field(default_factory=lambda: MemoryDynamoDB().tables)
    log: list[tuple[datetime, str, str, Any]] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def client(self, max_items: int = 10**9) -> MemoryDynamoDB:
        """Returns a client."""
        client = MemoryDynamoDB(max_items=max_items, tables=self.tables)
        client.before_write = self._note
        return client

    def reader(self) -> MemoryDynamoDB:
        """Returns a reader whose reads take no time and do not lag behind."""
        return MemoryDynamoDB(tables=self.tables)

    def lagging_reader(self, world: World) -> MemoryDynamoDB:
        """Returns a reader of each item as it was at some moment within ``LAG``."""
        tables = {name: dict(found) for name, found in self.tables.items()}
        as_of: dict[tuple[str, str], datetime] = {}
        for moment, table, key, old in reversed(self.log):
            if moment < world.now - LAG:
                break
            at = as_of.setdefault((table, key), world.now - world.seconds(0, 1))
            if at < moment:
                tables[table].pop(key, None)
                if old is not None:
                    tables[table][key] = old
        return MemoryDynamoDB(tables=tables)

    def items(self, source: Source) -> Iterator[StoredItem]:
        """Yields a table's rows."""
        yield from self.tables[TABLES[source]].values()

    def _note(self, table: str, key: str) -> None:
        self.log.append((self.clock(), table, key, self.tables[table].get(key)))


class SlowReader:
    """Reads that take time, each for itself, so that one sees another state than the next."""

    def __init__(self, database: Database, world: World, pace: Pace) -> None:
        self._database, self._world, self._pace = database, world, pace
        self._deadline = world.now + READ

    def query(self, requests: list[Any]) -> list[Any]:
        """Returns the responses to Queries that come in any order."""
        responses: list[Any] = [None] * len(requests)
        numbers = list(range(len(requests)))
        self._world.random.shuffle(numbers)
        for number in numbers:
            self._wait()
            reader = self._database.lagging_reader(self._world)
            [responses[number]] = reader.query([requests[number]])
        return responses

    def get_item(self, **request: Any) -> Any:
        """Returns the response to a GetItem."""
        self._wait()
        return self._database.lagging_reader(self._world).get_item(**request)

    def _wait(self) -> None:
        pause = self._pace.pause(self._world)
        if self._world.now + pause > self._deadline:
            raise Killed
        self._world.wait(pause)
