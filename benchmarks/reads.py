"""What answers read, on AWS's own engine: rows, calls, bytes and capacity by filter and depth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from local.dynamodb import DynamoDBLocal
from local.stack import Stack
from tests.support.many import FIRST, write_many
from usagectl.load import Loader
from workspace_usage.access import OwnRuns, Scope, WholeWorkspace
from workspace_usage.calls import DYNAMODB, Reader
from workspace_usage.history import read_page
from workspace_usage.query import Query
from workspace_usage.rows import Source
from workspace_usage.signing import Credentials
from workspace_usage.store import Meter, Store

WORKSPACE: Final = 11
"""The workspace that has as many rows as all the others."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer read."""

    name: str
    rows: int
    calls: int
    kilobytes: float
    capacity: float


class Metered:
    """A reader that adds up what DynamoDB says each Query took."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.calls, self.size, self.capacity = 0, 0, 0.0

    def query(self, requests: list[Any]) -> list[Any]:
        """The answers, once they are counted."""
        answers = self._reader.query(
            {**request, "ReturnConsumedCapacity": "TOTAL"} for request in requests
        )
        self.calls += len(answers)
        self.size += sum(len(orjson.dumps(answer)) for answer in answers)
        self.capacity += sum(answer["ConsumedCapacity"]["CapacityUnits"] for answer in answers)
        return answers


def measure(rows: int, said: Callable[[str], object]) -> list[Reading]:
    """Readings of a data set of so many rows, half of them in one workspace."""
    with (
        DynamoDBLocal() as engine,
        Stack.start(dynamodb_endpoint=engine.url) as stack,
        TemporaryDirectory() as folder,
    ):
        said(f"loading {rows:,} rows")
        write_many(Path(folder), rows)
        Loader(stack.destination).load(Path(folder))
        names = {
            Source.CURRENT: stack.template.resources["ExecutionsTable"].name,
            Source.ARCHIVED: stack.template.resources["ArchivedExecutionsTable"].name,
            Source.EDITED: stack.template.resources["EditedChatsTable"].name,
        }
        credentials = Credentials("local", "local", "local")
        reader = Reader(DYNAMODB, engine.url, "us-east-1", _fail, lambda: credentials, orjson.loads)
        return [
            _read(name, Metered(reader), names, scope, query) for name, scope, query in _questions()
        ]


def _questions() -> Iterator[tuple[str, Scope, dict[str, str]]]:
    last = (FIRST + timedelta(days=1)).date().isoformat()
    window = {"start_date": FIRST.date().isoformat(), "end_date": last}
    everyone, own = WholeWorkspace(WORKSPACE), OwnRuns(WORKSPACE, 7)
    for per_page in ("20", "100"):
        asked = {**window, "per_page": per_page}
        yield f"page 1 of {per_page}", everyone, asked
        yield f"page 1 of {per_page}, one type", everyone, {**asked, "type": "image"}
        yield f"page 1 of {per_page}, one user", own, asked
        yield f"page 1 of {per_page}, one user and type", own, {**asked, "type": "image"}
        for page in ("10", "100", "1000"):
            yield f"page {int(page):,} of {per_page}", everyone, {**asked, "page": page}


def _read(
    name: str, metered: Metered, tables: dict[Source, str], scope: Scope, asked: dict[str, str]
) -> Reading:
    query = Query.parse(asked)
    window = query.window(datetime.now(UTC), ZoneInfo("UTC"))
    meter = Meter(lambda: None)
    read_page(Store(metered, tables), scope, query, window, meter)
    return Reading(name, meter.rows.total(), metered.calls, metered.size / 1000, metered.capacity)


def _fail(operation: str, _: object) -> None:
    raise RuntimeError(f"{operation} did not succeed at once")
