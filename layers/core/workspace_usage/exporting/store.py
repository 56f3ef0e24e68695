"""The table Exports: exports are started, read and written there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.dynamodb import Attributes, read_items
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.errors import TooManyRequests, WriteConflict
from workspace_usage.exporting.export import Export, Owner, export_key, from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SLOTS: Final = ("1", "2")
"""A slot for each export that one user may have running, in whatever workspace."""

RETRY_AFTER: Final = timedelta(seconds=30)
"""After what time a caller with too many exports should try again."""

_WRITE_ATTEMPTS: Final = 5
"""How often a write is tried if others write the same items at the same time."""

_LONGEST_FIRST_WAIT: Final = 0.05
"""Seconds that the wait before the second attempt takes at most."""


class Overtaken(Exception):
    """Somebody else has written the export meanwhile, and continues it."""


class Slot(NamedTuple):
    """One of a user's slots, and the last export that used it; 0 and "" if there was none."""

    name: str
    workspace_id: int = 0
    export_id: str = ""


@dataclass(frozen=True, slots=True)
class ExportStore:
    """The table of exports.

    Attributes:
        client: reads and writes it.
        table: its name.
    """

    client: "DynamoDBClient"
    table: str

    def start(self, export: Export) -> None:
        """Stores a new export, if its owner may have one more.

        Raises:
            TooManyRequests: all slots are in use.
            StoreUnavailable: the table can't be read or written in time.
        """
        for attempt in range(_WRITE_ATTEMPTS):
            if self._take_slot(export, self._free_slot(export.owner, export.created_at)):
                return
            wait_before_retry(attempt, _LONGEST_FIRST_WAIT)
        raise WriteConflict("others kept starting exports of the same caller")

    def read(self, owner: Owner, export_id: str) -> Export | None:
        """Returns an export, or None if its owner has none with this id.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        with aws_errors_as_unavailable():
            response = self.client.get_item(
                TableName=self.table, Key=export_key(owner, export_id), ConsistentRead=True
            )
        item = response.get("Item")
        return None if item is None else from_item(owner, item)

    def write(self, export: Export, now: datetime) -> Export:
        """Stores a new state of an export, and returns it with its new revision.

        Raises:
            Overtaken: somebody else has written it since it was read.
            StoreUnavailable: the table can't be read or written in time.
        """
        new = replace(export, revision=export.revision + 1, written_at=now)
        put: Any = {
            "TableName": self.table,
            "Item": new.to_item(),
            "ConditionExpression": "revision = :revision",
            "ExpressionAttributeValues": {":revision": {"N": str(export.revision)}},
        }
        # A transaction, because it can be retried: it has a token. Another attempt of a plain write
        # whose response was lost would be overtaken by the first one.
        for attempt in range(_WRITE_ATTEMPTS):
            if write_all_or_nothing(self.client, [{"Put": put}]):
                return new
            # Or somebody else was about to write it, and has not.
            stored = self.read(export.owner, export.id)
            if stored is None or stored.revision != export.revision:
                raise Overtaken
            wait_before_retry(attempt, _LONGEST_FIRST_WAIT)
        raise WriteConflict("others kept trying to write the same export")

    def _free_slot(self, owner: Owner, now: datetime) -> Slot:
        """Returns a slot of a user whose export does not run any more.

        Raises:
            TooManyRequests: there is none.
            StoreUnavailable: the table can't be read in time.
        """
        used = {slot.name: slot for slot in self._used_slots(owner.user_id)}
        for name in SLOTS:
            slot = used.get(name, Slot(name))
            if not self._is_running(slot, owner.user_id, now):
                return slot
        raise TooManyRequests("too_many_exports", RETRY_AFTER)

    def _used_slots(self, user_id: int) -> Iterator[Slot]:
        query: Mapping[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": _slots_key(user_id)}},
        }
        for item in read_items(self.client, query):
            workspace_id, export_id = int(item["workspace_id"]["N"]), item["export_id"]["S"]
            yield Slot(item["item_key"]["S"], workspace_id, export_id)

    def _is_running(self, slot: Slot, user_id: int, now: datetime) -> bool:
        """Returns whether a slot's export runs. What can't be read of it has no way to go on."""
        try:
            export = self.read(Owner(slot.workspace_id, user_id), slot.export_id)
        except Unreadable:
            return False
        return export is not None and export.status_at(now) == "running"

    def _take_slot(self, export: Export, slot: Slot) -> bool:
        """Stores an export in a slot, or returns False if another one has it meanwhile."""
        stored = export.to_item()
        item: Attributes = {
            "owner": {"S": _slots_key(export.owner.user_id)},
            "item_key": {"S": slot.name},
            "workspace_id": {"N": str(export.owner.workspace_id)},
            "export_id": {"S": export.id},
            "purge_at": stored["purge_at"],
        }
        put: Any = {
            "TableName": self.table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(export_id) OR export_id = :used_by",
            "ExpressionAttributeValues": {":used_by": {"S": slot.export_id}},
        }
        new: Any = {
            "TableName": self.table,
            "Item": stored,
            "ConditionExpression": "attribute_not_exists(item_key)",
        }
        return write_all_or_nothing(self.client, [{"Put": put}, {"Put": new}])


def _slots_key(user_id: int) -> str:
    """Returns the partition key of a user's slots, in all workspaces."""
    return f"slots/{user_id}"
