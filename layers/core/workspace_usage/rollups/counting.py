"""Rows counted once they are some minutes old, by whoever counts their workspace next.

The recorder is long done with a row by then, so that most rows cost it nothing. A row that comes
late, at a place that may be counted already, is counted in the transaction that writes it
(``recording``). A workspace of which nothing is counted yet is counted as a whole (``rebuilding``);
after that, what is new is added a transaction at a time (``counts``).
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from itertools import batched, chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.dynamodb import StoredItem, read_pages
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.rollups.counts import Counts, Progress, horizon, read_head
from workspace_usage.rollups.items import UNTIL_RELEASED, day_of, lists_showing
from workspace_usage.rollups.rebuilding import Rebuilder, Rows
from workspace_usage.rows.position import just_after
from workspace_usage.rows.row import Source
from workspace_usage.rows.tables import RowTables
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

WORTHWHILE: Final = 100
"""Uncounted rows for which counting is begun."""

_BATCH: Final = 1000
"""Rows that one Query asks for."""

_ROWS_AT_ONCE: Final = 50
"""Rows whose counts are read together."""

_BETWEEN: Final = "workspace_id = :workspace_id AND sort_key BETWEEN :low AND :high"


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts those rows of workspaces that are old enough.

    Attributes:
        tables: the tables of rows, and that of counts.
        zone: the time zone by whose days rows are counted.
    """

    client: "DynamoDBClient"
    tables: RowTables
    zone: tzinfo

    def count(
        self, workspace_id: int, now: datetime, has_time: Callable[[], bool] = lambda: True
    ) -> Progress:
        """Counts what is old enough at ``now``, as far as there is time.

        Raises:
            StoreUnavailable: a table can't be read or written in time.
        """
        end = horizon(now)
        while True:
            head = read_head(self.client, self.tables.rollups, workspace_id)
            if head is not None and head.held_until > format_timestamp(now):
                will_count = head.held_until == UNTIL_RELEASED
                return Progress.DONE if will_count else Progress.HELD_UP
            is_anew = head is None or not head.is_usable(self.zone)
            low = "" if head is None or is_anew else head.counted_until
            rows = self._rows_between(workspace_id, low, end)
            first = list(islice(rows, WORTHWHILE))
            if len(first) < WORTHWHILE:
                return Progress.DONE
            if head is None or is_anew:
                # The rows are read once more, after the head says that somebody counts them: from
                # then on, those that come late make themselves known.
                rebuilder = Rebuilder(self.client, self.tables.rollups, workspace_id, self.zone)
                return rebuilder.rebuild(
                    partial(self._rows_between, workspace_id, ""), now, has_time
                )
            counts = Counts(self.client, self.tables.rollups, workspace_id, head, self.zone)
            if not self._count(counts, chain(first, rows), has_time) or not has_time():
                return Progress.UNFINISHED

    def _count(self, counts: Counts, rows: Rows, has_time: Callable[[], bool]) -> bool:
        """Counts ``rows``, until there are no more, or no time, or the head has changed."""
        until = counts.head.counted_until
        for some in batched(rows, _ROWS_AT_ONCE, strict=False):
            counts.fetch((day_of(sort_key, self.zone), lists) for sort_key, lists in some)
            for sort_key, lists in some:
                if not counts.has_room_for(lists):
                    if not self._commit(counts, until):
                        return True
                    if not has_time():
                        return False
                counts.append(lists, sort_key)
                until = sort_key
        self._commit(counts, until)
        return True

    def _commit(self, counts: Counts, until: str) -> bool:
        head = replace(counts.head, counted_until=until)
        if not write_all_or_nothing(self.client, counts.writes(head)):
            return False
        counts.written(head)
        return True

    def _rows_between(self, workspace_id: int, low: str, end: str) -> Rows:
        """The rows after the sort key ``low`` and before ``end``, oldest first, as of now."""
        streams = [
            self._items(source, table, workspace_id, just_after(low), end)
            for source, table in self.tables.by_source.items()
        ]
        merged = heapq.merge(*streams, key=itemgetter(0))
        for sort_key, copies in groupby(merged, key=itemgetter(0)):
            yield sort_key, lists_showing((source, item) for _, source, item in copies)

    def _items(
        self, source: Source, table: str, workspace_id: int, low: str, high: str
    ) -> Iterator[tuple[str, Source, StoredItem]]:
        if low > high:
            return
        request: QueryInputTypeDef = {
            "TableName": table,
            "KeyConditionExpression": _BETWEEN,
            "ExpressionAttributeValues": {
                ":workspace_id": {"N": str(workspace_id)},
                ":low": {"S": low},
                ":high": {"S": high},
            },
            "ProjectionExpression": "sort_key, user_id, agent_type",
            "ConsistentRead": True,
            "Limit": _BATCH,
        }
        for page in read_pages(lambda following: self.client.query(**following), request):
            for item in page["Items"]:
                yield item["sort_key"]["S"], source, item
