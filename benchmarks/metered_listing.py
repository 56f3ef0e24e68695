"""The listing, asked as the service asks it, with the capacity that DynamoDB reports."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from benchmarks.large_data_set import FIRST_CREATED_AT
from benchmarks.measured_store import READ_AT, SPAN, MeasuredStore
from benchmarks.readings import Reading
from workspace_usage.access.scope import Scope
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Source
from workspace_usage.rows.store import Meter, Store


class MeteredReader:
    """A reader that adds up the capacity that DynamoDB reports for each call."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.calls, self.size, self.capacity = 0, 0, 0.0

    def query(self, requests: Iterable[Any]) -> list[Any]:
        """Sends Queries; returns their responses."""
        responses = self._reader.query(map(_with_capacity, requests))
        return [self._count(response) for response in responses]

    def get_item(self, **request: Any) -> Any:
        """Sends a GetItem; returns its response."""
        return self._count(self._reader.get_item(**_with_capacity(request)))

    def _count(self, response: Any) -> Any:
        self.calls += 1
        self.size += len(orjson.dumps(response))
        self.capacity += response["ConsumedCapacity"]["CapacityUnits"]
        return response


def _with_capacity(request: Any) -> Any:
    return {**request, "ReturnConsumedCapacity": "TOTAL"}


class Listing:
    """Reads pages as the usage function does, and measures them.

    Attributes:
        reader: reads the store.
    """

    def __init__(self, store: MeasuredStore) -> None:
        tables = store.resources.tables
        self._tables = tables.by_source
        self._rollups = tables.rollups
        credentials = Credentials("local", "local", "local")
        self.reader = Reader(
            DYNAMODB, store.endpoint, "us-east-1", _fail, lambda: credentials, orjson.loads
        )

    def read(
        self, name: str, scope: Scope, parameters: dict[str, Any], *, use_counts: bool = True
    ) -> tuple[Reading, Page]:
        """Reads a page; without ``use_counts``, as if nothing were counted.

        Args:
            name: the reading's name.
            scope: the caller's.
            parameters: the query's parameters besides the dates, which include all rows.
            use_counts: whether the page may be found by counts.
        """
        window = {
            "start_date": FIRST_CREATED_AT.date(),
            "end_date": (FIRST_CREATED_AT + SPAN).date(),
        }
        query = Query.parse({name: str(value) for name, value in {**window, **parameters}.items()})
        metered, meter = self.metered_reader(), Meter(lambda: None)
        # Another table with the same key has no counts, and looking there takes little capacity.
        rollups = self._rollups if use_counts else self._tables[Source.EDITED]
        page = read_page(
            Store(metered, self._tables),
            PageIndex(Counts(metered, rollups, UTC), lambda: READ_AT),
            scope,
            query,
            query.window(datetime.now(UTC), UTC),
            meter,
        )
        size = metered.size / 1000
        return Reading(name, meter.rows.total(), metered.calls, size, metered.capacity), page

    def metered_reader(self) -> MeteredReader:
        """Returns a reader of the store that adds up what it reads."""
        return MeteredReader(self.reader)

    def capacity_without_counts(self, scope: Scope, parameters: dict[str, Any]) -> float:
        """Returns the capacity of a page if nothing is counted.

        Raises:
            AssertionError: the page differs when it is found by counts.
        """
        reading, expected = self.read("", scope, parameters, use_counts=False)
        if self.read("", scope, parameters)[1] != expected:
            raise AssertionError(f"the page of {parameters} differs when it is found by counts")
        return reading.capacity


def _fail(operation: str, _: object) -> None:
    raise RuntimeError(f"{operation} did not succeed at once")
