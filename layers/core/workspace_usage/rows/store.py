"""The three tables of rows, read in the listing's order.

Every combination of scope and filter is one key condition of a table or of one of its indexes: what
is read is what is returned. A read takes a scope; there is no way to read without one.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Protocol

from workspace_usage.access.scope import OwnRuns, Scope
from workspace_usage.aws.dynamodb import StoredItem, next_request
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.rows.row import Source

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, QueryOutputTypeDef


MAX_BATCH: Final = 1000
"""The most rows that one call asks for: about a third of the 1 MB at which DynamoDB stops."""

type StoredRow = tuple[str, Source, StoredItem]
"""An item as a table holds it, behind its sort key and the source that the table is of."""

# (by user?, by type?) → the index whose partition key that is; None: the table's own key.
_INDEXES: Final = {
    (False, False): None,
    (True, False): "by_user",
    (False, True): "by_type",
    (True, True): "by_user_and_type",
}

# A row at an equal place in an earlier source hides the one in a later source: an execution that is
# being archived is listed as archived.
_IN_ORDER_OF_PRECEDENCE: Final = (Source.ARCHIVED, Source.CURRENT, Source.EDITED)


class QueryReader(Protocol):
    """What makes Queries (``calls.Reader``)."""

    def query(self, requests: "list[QueryInputTypeDef]") -> "list[QueryOutputTypeDef]":
        """The answers to requests, all of which are under way together."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are asked for: whose, of which type, between which sort keys (both included)."""

    scope: Scope
    agent_type: str | None
    low: str
    high: str

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that can hold such rows; those that win a tie come first."""
        if self.agent_type in (None, "chat"):
            return _IN_ORDER_OF_PRECEDENCE
        return tuple(s for s in _IN_ORDER_OF_PRECEDENCE if s is not Source.EDITED)


@dataclass(slots=True)
class Meter:
    """What reading for one answer may take and has taken.

    Attributes:
        check_time: raises StoreUnavailable when too little time is left for another call.
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
        reader: makes the Queries.
        tables: each source's table name.
    """

    def __init__(self, reader: QueryReader, tables: Mapping[Source, str]) -> None:
        self._reader = reader
        self._tables = tables

    def streams(self, selection: Selection, wanted: int, meter: Meter) -> list[Iterator[StoredRow]]:
        """Each source's rows within the selection, newest first, ``wanted`` at most.

        The first call of every source is made before this returns, all at the same time; later ones
        are made as the streams are consumed.

        Raises:
            StoreUnavailable: now, or while a stream is consumed: a table can't be read in time.
        """
        limit = min(wanted, MAX_BATCH)
        requests = [self._request(source, selection) for source in selection.sources]
        answers = self._fetch([{**request, "Limit": limit} for request in requests])
        return [
            self._stream(source, request, answer, wanted, meter)
            for source, request, answer in zip(selection.sources, requests, answers, strict=True)
        ]

    def _request(self, source: Source, selection: Selection) -> "QueryInputTypeDef":
        key: dict[str, dict[str, str]] = {
            "workspace_id": {"N": str(selection.scope.workspace_id)},
        }
        if isinstance(selection.scope, OwnRuns):
            key["user_id"] = {"N": str(selection.scope.user_id)}
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

    def _fetch(self, requests: "list[QueryInputTypeDef]") -> "list[QueryOutputTypeDef]":
        with aws_errors_as_unavailable():
            return self._reader.query(requests)

    def _stream(
        self,
        source: Source,
        request: "QueryInputTypeDef",
        answer: "QueryOutputTypeDef",
        wanted: int,
        meter: Meter,
    ) -> Iterator[StoredRow]:
        while True:
            items = answer["Items"]
            meter.add(source, len(items))
            for item in items:
                yield item["sort_key"]["S"], source, item
            wanted -= len(items)
            following = next_request(request, answer) if wanted > 0 else None
            if following is None:
                return
            meter.check_time()
            [answer] = self._fetch([{**following, "Limit": min(wanted, MAX_BATCH)}])


def merge(streams: Iterable[Iterator[StoredRow]]) -> Iterator[StoredRow]:
    """Merges streams, each newest first; of rows at one position, the first stream's is kept.

    The position of an execution is the same in every table, so an execution that is found twice is
    listed once.
    """
    shown = None
    for row in heapq.merge(*streams, key=itemgetter(0), reverse=True):
        if row[0] != shown:
            yield row
            shown = row[0]
