"""Late writes: how an import and an erasure write and delete rows that may be counted.

Before each attempt, the rows have their marks (``workspace_usage.rollups.blocks`` says why). A
command that is killed leaves nothing to clean up: before a mark is put, counting is requested.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from usagectl.parallel import map_in_parallel
from usagectl.resources import Resources
from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rollups.blocks import REUSE, WRITE
from workspace_usage.rollups.marks import MarkWriter

ROWS_PER_CHUNK: Final = 5_000
"""Rows whose marks are put together."""

MAX_WRITE_ATTEMPTS: Final = 12
"""How often a write is tried, for about a minute."""

_MAX_CHECK: Final = timedelta(seconds=15)
"""How long the check of marks before an attempt may take.

``Resources.dynamodb_once`` lets the attempt itself take 35 seconds. Together that is less than
``WRITE``.
"""

_THROTTLED: Final = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
}


class RowKey(NamedTuple):
    """Which row it is, whatever table it is in."""

    workspace_id: int
    sort_key: str

    @classmethod
    def of(cls, item: StoredItem) -> Self:
        """Returns the key of a stored item."""
        return cls(int(item["workspace_id"]["N"]), item["sort_key"]["S"])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the key in a text such as ``11/2026-01-05T19:35:21.000000Z#0#…``."""
        workspace_id, _, sort_key = text.partition("/")
        return cls(int(workspace_id), sort_key)


class LateWrites:
    """Writes rows of one deployment; several threads may use it at once."""

    def __init__(self, resources: Resources) -> None:
        self.client = resources.dynamodb_once
        self._clock = resources.clock
        self._marks = MarkWriter(
            self.client, resources.tables.rollups, resources.count_queue.request
        )
        self._chunk: dict[tuple[int, str], list[str]] = {}
        self._chunk_marked_at: datetime | None = None
        self._chunk_lock = Lock()

    def mark_chunk(self, rows: Iterable[RowKey]) -> None:
        """Puts the marks of all rows that are written next.

        Where many hours of a day have rows, the day gets one mark. The rows of a single write don't
        tell that.

        Raises:
            StoreUnavailable: a mark can't be put, or counting can't be requested.
        """
        chunk = defaultdict(list)
        for workspace_id, sort_key in rows:
            chunk[workspace_id, sort_key[: len("2026-01-05")]].append(sort_key)
        self._chunk, self._chunk_marked_at = chunk, None
        _retry(self._renew_chunk)

    def write[T](self, rows: Sequence[RowKey], attempt: Callable[[], T | None]) -> T | None:
        """Makes attempts to write or delete rows, and returns what the successful one returns.

        Args:
            rows: the rows.
            attempt: makes one call with ``client``. It returns None if something is left to write.

        Returns:
            None if something is left after the last attempt.

        Raises:
            StoreUnavailable: a mark can't be put, or counting can't be requested.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the last attempt
                failed, or one that need not be tried again.
        """
        return _retry(lambda: self._attempt(rows, attempt))

    def _attempt[T](self, rows: Sequence[RowKey], attempt: Callable[[], T]) -> T:
        checked_at = self._check(rows)
        try:
            return attempt()
        finally:
            if self._clock() - checked_at > WRITE:
                # The laptop slept, or the network stood still. What was counted meanwhile must not
                # be believed.
                self._mark(rows)

    def _check(self, rows: Sequence[RowKey]) -> datetime:
        """Sees to it that rows have their marks; returns the moment from which ``WRITE`` runs."""
        while True:
            began_at = self._clock()
            self._renew_chunk()
            self._mark(rows)
            if self._clock() - began_at <= _MAX_CHECK:
                return began_at

    def _mark(self, rows: Sequence[RowKey]) -> None:
        keys = defaultdict(list)
        for workspace_id, sort_key in rows:
            keys[workspace_id].append(sort_key)
        for workspace_id, sort_keys in keys.items():
            self._marks.mark(workspace_id, sort_keys, self._clock())

    def _renew_chunk(self) -> bool:
        """Puts the chunk's marks if they can't be relied on any more."""
        with self._chunk_lock:
            now = self._clock()
            if self._chunk_marked_at is None or now - self._chunk_marked_at > REUSE:
                for _ in map_in_parallel(self._mark_day, self._chunk.items()):
                    pass
                self._chunk_marked_at = now
        return True

    def _mark_day(self, day: tuple[tuple[int, str], list[str]]) -> None:
        (workspace_id, _), sort_keys = day
        self._marks.mark(workspace_id, sort_keys, self._clock())


def _retry[T](attempt: Callable[[], T | None]) -> T | None:
    """Makes attempts, more and more slowly; returns the first result that is not None."""
    for number in range(1, MAX_WRITE_ATTEMPTS + 1):
        try:
            result = attempt()
        except (StoreUnavailable, BotoCoreError, ClientError) as error:
            if number == MAX_WRITE_ATTEMPTS or not _may_pass(error):
                raise
            result = None
        if result is not None:
            return result
        if number < MAX_WRITE_ATTEMPTS:
            wait_before_retry(number, base_seconds=0.05, max_seconds=20)
    return None


def _may_pass(error: BaseException | None) -> bool:
    """Returns whether a call that failed with an error may succeed later."""
    if isinstance(error, StoreUnavailable):
        error = error.__cause__
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error.response["Error"]["Code"] in _THROTTLED
    return isinstance(error, ConnectionFailed | HTTPClientError)
