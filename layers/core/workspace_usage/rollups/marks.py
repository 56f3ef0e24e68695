"""Marks: what every writer puts before it writes, moves or deletes rows that may be counted."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.dynamodb import item_key
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.rollups.blocks import LATE, REUSE
from workspace_usage.rollups.items import mark_key
from workspace_usage.values import format_timestamp, to_milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HOURS_OF_A_DAY: Final = 2
"""How many hours of one day are marked by themselves within ``REUSE``; then the day is marked."""

_MAX_REMEMBERED: Final = 10_000
"""How many marks are remembered; with more, they are put again."""

_REQUEST: Final = "request"
"""What is remembered besides the spans: when counting was requested."""

_DAY: Final = len("2026-01-05")
_HOUR: Final = len("2026-01-05T19")


class MarkWriter:
    """Puts marks, and remembers them as long as they may be relied on.

    Args:
        client: writes the table Rollups.
        table: its name.
        request_count: asks for a workspace to be counted (``CountQueue``). It is called before a
            mark is put, so that no mark stays for ever. The request arrives so late that it serves
            all marks which are put within ``REUSE``, and when they can have their effect.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, request_count: Callable[[int], object]
    ) -> None:
        self._client = client
        self._table = table
        self._request_count = request_count
        self._put_at: dict[tuple[int, str], datetime] = {}

    def mark(self, workspace_id: int, sort_keys: Iterable[str], now: datetime) -> None:
        """Puts the marks that rows need before they are written, moved or deleted.

        The write must end within ``WRITE`` (``blocks``) from ``now``.

        Args:
            workspace_id: the rows' workspace.
            sort_keys: the rows' sort keys.
            now: the current time (aware), by a clock that agrees with AWS's to a second.

        Raises:
            StoreUnavailable: a mark can't be put in time; the rows must not be written.
        """
        on_time = format_timestamp(now - LATE)
        hours = {key[:_HOUR] for key in sort_keys if key < on_time}

        def is_recent(span: str) -> bool:
            put_at = self._put_at.get((workspace_id, span))
            return put_at is not None and now - put_at <= REUSE

        spans = set[str]()
        unmarked = sorted(hour for hour in hours if not is_recent(hour[:_DAY]))
        for day, some in groupby(unmarked, lambda hour: hour[:_DAY]):
            marked = set(filter(is_recent, (f"{day}T{number:02}" for number in range(24))))
            missing = set(some) - marked
            is_many = len(marked | missing) > _HOURS_OF_A_DAY
            # Where many hours of a day are marked or have to be, the day is.
            spans |= {day} if is_many and missing else missing
        if spans and not is_recent(_REQUEST):
            self._request_count(workspace_id)
            self._put_at[workspace_id, _REQUEST] = now
        for span in sorted(spans):
            self._put(workspace_id, span, now)

    def _put(self, workspace_id: int, span: str, now: datetime) -> None:
        marked_at = {"N": str(to_milliseconds(now))}
        is_newer_there = self._client.exceptions.ConditionalCheckFailedException
        with aws_errors_as_unavailable(), suppress(is_newer_there):
            self._client.put_item(
                TableName=self._table,
                Item={**item_key(workspace_id, mark_key(span)), "marked_at": marked_at},
                # Clocks differ a little. A mark never goes back.
                ConditionExpression="attribute_not_exists(marked_at) OR marked_at < :now",
                ExpressionAttributeValues={":now": marked_at},
            )
        if len(self._put_at) >= _MAX_REMEMBERED:
            self._put_at.clear()
        self._put_at[workspace_id, span] = now
