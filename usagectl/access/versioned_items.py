"""Changes of a stored item: each wins over whatever is stored, or fails.

A change gets a version that is greater than the stored one. It is written on the condition that the
item is still as it was read, and then the item is read back. So it also wins over an event whose
moment is ahead of the clock, as far ahead as the year 9999. The time is the service's own: the
clock of the operator's machine may be wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from usagectl.errors import CommandError
from usagectl.service_clock import date_of
from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.recording.versions import MAX_CLOCK_SKEW, moment_of, version_of
from workspace_usage.recording.writes import unchanged_condition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_CHANGE_ATTEMPTS: Final = 5
"""How often a change is tried while others change the same item."""


def machine_clock() -> datetime:
    """Returns the time by the clock of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class VersionedItems:
    """A table's items, each with a version.

    Attributes:
        dynamodb: a client.
        table: the table's name.
        clock: tells the time if the service doesn't.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Callable[[], datetime] = machine_clock

    def read(self, key: Attributes) -> tuple[StoredItem | None, datetime]:
        """Returns an item as it is now, or None if there is none; and the service's time."""
        response = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return response.get("Item"), _time_of(response, self.clock())

    def create(self, key: Attributes, wanted: Attributes, now: datetime, title: str) -> None:
        """Stores an item under a key that no item has.

        Args:
            key: the item's key.
            wanted: the item, without a version.
            now: the service's time.
            title: what to call the item at the beginning of a sentence.

        Raises:
            CommandError: something else is stored under the key.
        """
        # If this fails, botocore's first attempt may have succeeded: reading the item back tells.
        self._replace(key, None, _with_version(None, wanted, now))
        self._check(key, wanted, title)

    def change(
        self,
        key: Attributes,
        wanted: Attributes,
        is_done: Callable[[StoredItem | None, datetime], bool],
        title: str,
    ) -> bool:
        """Makes an item what is wanted. Returns False if there was nothing to do.

        Args:
            key: the item's key.
            wanted: the item that should be stored, without a version.
            is_done: returns whether a stored item, at the service's time, is already as wanted.
            title: what to call the item at the beginning of a sentence.

        Raises:
            CommandError: the item is not as wanted afterwards.
        """
        written: Attributes | None = None
        for _ in range(MAX_CHANGE_ATTEMPTS):
            stored, now = self.read(key)
            # If the response to a write was lost, botocore writes again, and that is refused.
            if stored is not None and stored == written:
                return True
            if is_done(stored, now):
                return False
            written = _with_version(stored, wanted, now)
            if self._replace(key, stored, written):
                self._check(key, wanted, title)
                return True
        raise CommandError(f"{title} is being changed by others again and again; try again later.")

    def _replace(self, key: Attributes, stored: StoredItem | None, item: Attributes) -> bool:
        """Writes an item over what was read. Returns False if something else is stored now."""
        condition = unchanged_condition(next(iter(key)), stored)
        try:
            self.dynamodb.put_item(TableName=self.table, Item=item, **condition)
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _check(self, key: Attributes, wanted: Attributes, title: str) -> None:
        """Raises ``CommandError`` unless what is stored is what is wanted."""
        stored, _ = self.read(key)
        if stored is None or not is_same(stored, wanted):
            raise CommandError(
                f"{title} is not as requested: something else has changed it meanwhile; try again."
            )


def is_same(stored: StoredItem, wanted: Attributes) -> bool:
    """Returns whether an item is what is wanted, whatever its version."""
    ignored = {"version", "purge_at"}
    return {name: value for name, value in stored.items() if name not in ignored} == wanted


def is_ahead(stored: StoredItem, now: datetime) -> bool:
    """Returns whether an item is from so far ahead that the recorder would now refuse its event."""
    moment = moment_of(stored)
    return moment is not None and moment - now > MAX_CLOCK_SKEW


def _with_version(stored: StoredItem | None, wanted: Attributes, now: datetime) -> Attributes:
    """Returns what is wanted, with a version that wins over what is stored."""
    version = version_of(_winning_moment(stored, now), TOMBSTONE_FLAG in wanted, wanted)
    return {**wanted, "version": {"S": version}}


def _winning_moment(stored: StoredItem | None, now: datetime) -> datetime:
    """Returns a moment so that a change wins over ``stored``, even if its event comes again.

    If the event that wrote ``stored`` is from too far ahead, the recorder refuses it when it comes
    again. Otherwise it is overtaken.
    """
    moment = None if stored is None else moment_of(stored)
    if stored is None or moment is None or is_ahead(stored, now):
        return now
    return max(now, moment + timedelta(microseconds=1))


def _time_of(response: Mapping[str, Any], local: datetime) -> datetime:
    """Returns the service's time by the ``Date`` of its response, or ``local`` if it has none.

    ``Date`` has whole seconds. Within that second, the machine's clock decides.
    """
    second = date_of(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    if second is None:
        return local
    return min(max(local, second), second + timedelta(microseconds=999_999))
