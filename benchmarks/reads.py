"""What answers read, on AWS's own engine: rows, calls, bytes and capacity by filter and depth."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from benchmarks.chart import Bars
from local.dynamodb import DynamoDBLocal
from local.stack import Stack
from tests.support.many import FIRST, write_many
from tests.support.rows import row_of_age
from usagectl.loading.loader import Loader
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Source, to_item
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.tables import by_source

WORKSPACE: Final = 11
"""The workspace that has all the rows that were asked for."""

SMALLER: Final = {12: 10, 13: 100}
"""Workspaces beside it, and what part of its rows each has."""

SPAN: Final = timedelta(days=60)
"""The time in which all rows were made."""

BOUND: Final = 5
"""How many times page 1's capacity any page of 100 rows may take."""

NOT_COUNTED: Final = 250
"""Rows that may have come since it was counted: three minutes' of a workspace that gets a million
in a month, the hundred for which counting is begun, and some."""

EVENLY: Final = 40
"""Pages that are tried between the first and the last."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer read."""

    name: str
    rows: int
    calls: int
    kilobytes: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Readings:
    """What answers read.

    Attributes:
        single: some answers, by what was asked for.
        unaided: the capacity of some pages of 100 when nothing is counted, by their number.
        anywhere: by rows in a page, pages from the first to the last, with some rows uncounted.
    """

    single: list[Reading]
    unaided: dict[int, float]
    anywhere: dict[int, list[Reading]]

    def worst(self, per_page: int) -> float:
        """How many times page 1's capacity the most expensive page takes."""
        first, *others = (found.capacity for found in self.anywhere[per_page])
        return max(others) / first

    def first_pages(self) -> dict[int, float]:
        """The capacity of page 1, by its rows."""
        counted = self._capacities()
        return {per_page: counted[_name(1, per_page)] for per_page in self.anywhere}

    def _capacities(self) -> dict[str, float]:
        return {found.name: found.capacity for found in self.single}

    def bars(self) -> Iterator[Bars]:
        """The capacity of pages of 100, by depth: without counts, and with them."""
        counted = self._capacities()
        for page, unaided in self.unaided.items():
            capacity = counted[_name(page, 100)]
            labels = (f"{unaided:,.1f}", f"{capacity:,.1f}")
            yield Bars(f"page {page:,}", (unaided, capacity), labels)


class Metered:
    """A reader that adds up what DynamoDB says each call took."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.calls, self.size, self.capacity = 0, 0, 0.0

    def query(self, requests: Iterable[Any]) -> list[Any]:
        """The answers, once they are counted."""
        return [self._counted(answer) for answer in self._reader.query(map(_asking, requests))]

    def get_item(self, **request: Any) -> Any:
        """The answer, once it is counted."""
        return self._counted(self._reader.get_item(**_asking(request)))

    def _counted(self, answer: Any) -> Any:
        self.calls += 1
        self.size += len(orjson.dumps(answer))
        self.capacity += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer


def _asking(request: Any) -> Any:
    return {**request, "ReturnConsumedCapacity": "TOTAL"}


class Listing:
    """A workspace's history, asked as the service asks for it."""

    def __init__(self, stack: Stack, engine: DynamoDBLocal) -> None:
        tables = stack.destination.tables
        self._tables = by_source(tables)
        self._rollups = tables.rollups
        credentials = Credentials("local", "local", "local")
        self._reader = Reader(
            DYNAMODB, engine.url, "us-east-1", _fail, lambda: credentials, orjson.loads
        )

    def read(
        self, name: str, scope: Scope, asked: dict[str, Any], *, counted: bool = True
    ) -> tuple[Reading, Page]:
        """One answer; if not ``counted``, as if there were no counts."""
        window = {"start_date": FIRST.date(), "end_date": (FIRST + SPAN).date()}
        query = Query.parse({name: str(value) for name, value in {**window, **asked}.items()})
        metered, meter = Metered(self._reader), Meter(lambda: None)
        # Any other table of the same key has no counts, and takes no capacity worth a word.
        rollups = self._rollups if counted else self._tables[Source.EDITED]
        page = read_page(
            Store(metered, self._tables),
            PageIndex(metered, rollups, UTC),
            scope,
            query,
            query.window(datetime.now(UTC), UTC),
            meter,
        )
        size = metered.size / 1000
        return Reading(name, meter.rows.total(), metered.calls, size, metered.capacity), page


def measure(rows: int, said: Callable[[str], object]) -> Readings:
    """Readings of a workspace of so many rows, and of smaller ones beside it.

    Raises:
        AssertionError: a page that is found by counts differs from what reading finds.
    """
    with DynamoDBLocal() as engine, Stack.start(dynamodb_endpoint=engine.url) as stack:
        for workspace_id, number in ((WORKSPACE, rows), *_smaller(rows)):
            said(f"loading {number:,} rows into workspace {workspace_id}")
            with TemporaryDirectory() as folder:
                write_many(Path(folder), number, (workspace_id,), SPAN)
                Loader(stack.destination).load(Path(folder))
        listing = Listing(stack, engine)
        single = [listing.read(*question)[0] for question in _questions(rows)]
        unaided = {page: _unaided(listing, page) for page in _depths(rows, 100)}
        add_uncounted(stack)
        _unaided(listing, _depths(rows, 100)[1])
        anywhere = {per_page: _from_end_to_end(listing, rows, per_page) for per_page in (20, 100)}
        return Readings(single, unaided, anywhere)


def add_uncounted(stack: Stack) -> None:
    """Adds rows that are newer than what is counted."""
    place, now = stack.destination, FIRST + SPAN + timedelta(hours=1)
    for number in range(NOT_COUNTED):
        made = row_of_age(Source.CURRENT, 10**9 + number, timedelta(seconds=number), now)
        place.dynamodb.put_item(TableName=place.tables.executions, Item=to_item(made))


def _unaided(listing: Listing, page: int) -> float:
    """The capacity that a page of 100 takes when nothing is counted."""
    asked = {"page": page, "per_page": 100}
    reading, expected = listing.read("", WholeWorkspace(WORKSPACE), asked, counted=False)
    if listing.read("", WholeWorkspace(WORKSPACE), asked)[1] != expected:
        raise AssertionError(f"page {page} differs from what reading finds")
    return reading.capacity


def _from_end_to_end(listing: Listing, rows: int, per_page: int) -> list[Reading]:
    last = rows // per_page
    pages = sorted({1, *(last * n // EVENLY or 1 for n in range(1, EVENLY + 1))})
    everyone = WholeWorkspace(WORKSPACE)
    return [
        listing.read(_name(page, per_page), everyone, {"page": page, "per_page": per_page})[0]
        for page in pages
    ]


def _questions(rows: int) -> Iterator[tuple[str, Scope, dict[str, Any]]]:
    everyone, own = WholeWorkspace(WORKSPACE), OwnRuns(WORKSPACE, 7)
    for per_page in (20, 100):
        for page in _depths(rows, per_page):
            yield _name(page, per_page), everyone, {"per_page": per_page, "page": page}
        for name, scope, kind, share in (
            ("one type", everyone, "image", 6),
            ("one user", own, "all", 17),
            ("one user and type", own, "image", 6 * 17),
        ):
            for page in sorted({1, _depths(rows // share, per_page)[-1]}):
                asked = {"per_page": per_page, "page": page, "type": kind}
                yield f"{_name(page, per_page)}, {name}", scope, asked
    for workspace_id, number in _smaller(rows):
        for page in sorted({1, _depths(number, 100)[-1]}):
            name = f"{_name(page, 100)}, a workspace of {number:,}"
            yield name, WholeWorkspace(workspace_id), {"per_page": 100, "page": page}


def _smaller(rows: int) -> Iterator[tuple[int, int]]:
    """The smaller workspaces, and how many rows each has."""
    for workspace_id, part in SMALLER.items():
        yield workspace_id, max(rows // part, 1)


def _depths(rows: int, per_page: int) -> list[int]:
    """Pages that there are in so many rows, each ten times as far down as the one before."""
    return [page for page in (1, 10, 100, 1_000, 10_000) if page <= max(rows * 0.95 / per_page, 1)]


def _name(page: int, per_page: int) -> str:
    return f"page {page:,} of {per_page}"


def _fail(operation: str, _: object) -> None:
    raise RuntimeError(f"{operation} did not succeed at once")
