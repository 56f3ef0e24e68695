"""The three tables of rows, read in the listing's order.

Each combination of scope and filter is one key condition of a table or of one of its indexes, so
that no row outside the question is read. Every read needs a scope; without one, nothing can be
read.
"""

import heapq
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Protocol, Self

from workspace_usage.access.scope import Scope, user_of
from workspace_usage.aws.dynamodb import StoredItem, next_request
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Source
from workspace_usage.rows.window import Window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, QueryOutputTypeDef


MAX_ROWS_PER_QUERY: Final = 1000
"""The most rows that one Query asks for: about a third of the 1 MB at which DynamoDB stops."""

ALL_ROWS: Final = sys.maxsize
"""More rows than there can be: what a reader wants who wants all of them."""

type StoredRow = tuple[str, Source, StoredItem]
"""A sort key, the source whose table holds the item, and the item."""

# (by user?, by type?) → the index with that partition key, or None for the table's own key.
_INDEXES: Final = {
    (False, False): None,
    (True, False): "by_user",
    (False, True): "by_type",
    (True, True): "by_user_and_type",
}

# If two rows have the same position, the row of the earlier source is listed. So an execution that
# is in two tables while it is archived is listed as archived.
IN_ORDER_OF_PRECEDENCE: Final = (Source.ARCHIVED, Source.CURRENT, Source.EDITED)


class QueryReader(Protocol):
    """Sends Queries to DynamoDB (``aws.reader.Reader``)."""

    def query(self, requests: "list[QueryInputTypeDef]") -> "list[QueryOutputTypeDef]":
        """Returns the responses to requests that are all in flight together."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are asked for.

    Attributes:
        scope: whose rows.
        agent_type: the one type of agent, or None for all types.
        low: the least sort key (included).
        high: the greatest sort key (included).
        first_day: the first day of the window that the sort keys lie in.
        last_day: its last day.
    """

    scope: Scope
    agent_type: str | None
    low: str
    high: str
    first_day: date
    last_day: date

    @classmethod
    def of(
        cls,
        scope: Scope,
        agent_type: str | None,
        window: Window,
        after: Position | None = None,
    ) -> Self | None:
        """Returns the rows of a window, or None if there can't be any.

        Args:
            scope: whose rows.
            agent_type: the one type of agent, or None for all types.
            window: the time.
            after: leaves out the row at this position and those that the listing shows before it.
        """
        bounds = window.sort_keys(after)
        if bounds is None:
            return None
        low, high = bounds
        return cls(
            scope=scope,
            agent_type=agent_type,
            low=low,
            high=high,
            first_day=window.first_day,
            last_day=window.last_day,
        )

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that can hold such rows, in their order of precedence."""
        if self.agent_type in (None, "chat"):
            return IN_ORDER_OF_PRECEDENCE
        return tuple(s for s in IN_ORDER_OF_PRECEDENCE if s is not Source.EDITED)


@dataclass(slots=True)
class Meter:
    """Counts what is read for one answer, and stops reading when time is up.

    Attributes:
        check_time: raises StoreUnavailable if too little time is left for another call.
        rows: rows read, by source.
        calls: calls made, by source.
        lookups: calls made to find out where a page begins.
    """

    check_time: Callable[[], None]
    rows: Counter[Source] = field(default_factory=Counter)
    calls: Counter[Source] = field(default_factory=Counter)
    lookups: int = 0

    def add(self, source: Source, rows: int) -> None:
        """Counts one call that read ``rows`` rows."""
        self.rows[source] += rows
        self.calls[source] += 1


class Store:
    """The tables of current, archived and edited rows.

    Args:
        reader: sends the Queries.
        tables: each source's table name.
    """

    def __init__(self, reader: QueryReader, tables: Mapping[Source, str]) -> None:
        self._reader = reader
        self._tables = tables

    def streams(self, selection: Selection, wanted: int, meter: Meter) -> list[Iterator[StoredRow]]:
        """Returns each source's rows within the selection, newest first.

        The first call to every table is made before this returns, all at the same time; later calls
        are made while the streams are consumed.

        Args:
            selection: which rows.
            wanted: the most rows of each source.
            meter: counts what is read.

        Raises:
            StoreUnavailable: a table can't be read in time; also while a stream is consumed.
        """
        limit = min(wanted, MAX_ROWS_PER_QUERY)
        requests = [self._request(source, selection) for source in selection.sources]
        responses = self._send([{**request, "Limit": limit} for request in requests])
        return [
            self._stream(source, request, response, wanted, meter)
            for source, request, response in zip(
                selection.sources, requests, responses, strict=True
            )
        ]

    def _request(self, source: Source, selection: Selection) -> "QueryInputTypeDef":
        key: dict[str, dict[str, str]] = {
            "workspace_id": {"N": str(selection.scope.workspace_id)},
        }
        user_id = user_of(selection.scope)
        if user_id is not None:
            key["user_id"] = {"N": str(user_id)}
        if selection.agent_type is not None and source is not Source.EDITED:
            key["agent_type"] = {"S": selection.agent_type}
        conditions = [f"{name} = :{name}" for name in key] + ["sort_key BETWEEN :low AND :high"]
        request: QueryInputTypeDef = {
            "TableName": self._tables[source],
            "KeyConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in key.items()},
                ":low": {"S": selection.low},
                ":high": {"S": selection.high},
            },
            "ScanIndexForward": False,
        }
        index = _INDEXES["user_id" in key, "agent_type" in key]
        return {**request, "IndexName": index} if index else request

    def _send(self, requests: "list[QueryInputTypeDef]") -> "list[QueryOutputTypeDef]":
        with aws_errors_as_unavailable():
            return self._reader.query(requests)

    def _stream(
        self,
        source: Source,
        request: "QueryInputTypeDef",
        response: "QueryOutputTypeDef",
        wanted: int,
        meter: Meter,
    ) -> Iterator[StoredRow]:
        while True:
            items = response["Items"]
            meter.add(source, len(items))
            for item in items:
                yield item["sort_key"]["S"], source, item
            wanted -= len(items)
            following = next_request(request, response) if wanted > 0 else None
            if following is None:
                return
            meter.check_time()
            [response] = self._send([{**following, "Limit": min(wanted, MAX_ROWS_PER_QUERY)}])


def merge(streams: Iterable[Iterator[StoredRow]]) -> Iterator[StoredRow]:
    """Merges streams that are newest first; of rows at the same position, the first stream's stays.

    An execution has the same position in every table, so an execution in two tables is listed once.
    """
    last_sort_key = None
    for row in heapq.merge(*streams, key=itemgetter(0), reverse=True):
        if row[0] != last_sort_key:
            yield row
            last_sort_key = row[0]
