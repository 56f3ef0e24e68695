"""The time by AWS's clocks, whatever the clock of the operator's machine says.

Marks of counts rely on it (``workspace_usage.rollups.marks``): a mark that is a few minutes too old
lets a wrong count pass for a right one.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from usagectl.errors import CommandError
from workspace_usage.aws.dynamodb import item_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_STOPWATCH: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody sets and that runs while a laptop sleeps. On macOS, CLOCK_MONOTONIC does."""

_GREATEST_DRIFT: Final = 0.001
"""The seconds that a machine may count too many in one second. Quartz is ten times better."""


def _elapsed_seconds() -> float:
    return time.clock_gettime(_STOPWATCH)


class ServiceClock:
    """Tells DynamoDB's time, to a second.

    Each response of DynamoDB has its moment in the header ``Date``, in whole seconds. Between two
    responses, elapsed time is added. A response that was long on its way would set the clock back,
    so the clock takes the greatest time that recent responses lead to.

    Args:
        client: a client of DynamoDB; the clock reads the headers of all of its responses.
        table: a table that is keyed by workspace and sort key. If no response has been seen, the
            clock reads an item that is not there.
        elapsed_seconds: gives the elapsed seconds since some moment.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        elapsed_seconds: Callable[[], float] = _elapsed_seconds,
    ) -> None:
        self._client = client
        self._table = table
        self._elapsed_seconds = elapsed_seconds
        self._difference: float | None = None
        self._noted_at = 0.0
        self._lock = Lock()
        client.meta.events.register("response-received.dynamodb", self._note)

    def __call__(self) -> datetime:
        """Returns the time (aware). It may be ahead by up to a second.

        Raises:
            CommandError: the responses have no date.
            botocore.exceptions.BotoCoreError: DynamoDB doesn't respond.
        """
        if self._difference is None:
            # A refusal has a date, too.
            with suppress(ClientError):
                self._client.get_item(TableName=self._table, Key=item_key(0, "clock"))
        if self._difference is None:
            raise CommandError(
                f"The DynamoDB at {self._client.meta.endpoint_url} does not tell the time: its"
                " responses have no header Date. Nothing is written by another clock."
            )
        return datetime.fromtimestamp(self._elapsed_seconds() + self._difference, UTC)

    def _note(self, response_dict: Mapping[str, Any] | None = None, **_: object) -> None:
        """Notes the date of a response; botocore calls this for each attempt of a call."""
        moment = None if response_dict is None else date_of(response_dict["headers"])
        if moment is None:
            return
        with self._lock:
            elapsed = self._elapsed_seconds()
            # The second that Date names has begun. A mark that is too new does no harm.
            difference = moment.timestamp() + 1 - elapsed
            if self._difference is not None:
                drift = _GREATEST_DRIFT * (elapsed - self._noted_at)
                difference = max(difference, self._difference - drift)
            self._difference, self._noted_at = difference, elapsed


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Returns the moment that a response's headers tell, in whole seconds; None if they don't."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
