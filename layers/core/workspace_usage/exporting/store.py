"""The table Exports: exports are started, read and written there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.dynamodb import Attributes, StoredItem, read_items
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.errors import TooManyRequests, WriteConflict
from workspace_usage.exporting.export import Export, Owner, export_key, from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SLOTS: Final = ("slot/1", "slot/2")
"""A slot for each export that one caller may have running."""

RETRY_AFTER: Final = timedelta(seconds=30)
"""After what time a caller with too many exports should try again."""

_START_ATTEMPTS: Final = 5
"""How often a start is tried if others take the slots meanwhile."""


class Overtaken(Exception):
    """Somebody else has written the export meanwhile, and goes on with it."""


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
        for _ in range(_START_ATTEMPTS):
            slot, used_by = self._free_slot(export.owner, export.created_at)
            if self._take_slot(export, slot, used_by):
                return
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
            StoreUnavailable: the table can't be written in time.
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
        if not write_all_or_nothing(self.client, [{"Put": put}]):
            raise Overtaken
        return new

    def _free_slot(self, owner: Owner, now: datetime) -> tuple[str, str | None]:
        """Returns a slot whose export does not run any more, and that export's id, if any."""
        used = {item["item_key"]["S"]: item["export_id"]["S"] for item in self._read_slots(owner)}
        for slot in SLOTS:
            export_id = used.get(slot)
            if export_id is None or not self._is_running(owner, export_id, now):
                return slot, export_id
        raise TooManyRequests("too_many_exports", RETRY_AFTER)

    def _read_slots(self, owner: Owner) -> list[StoredItem]:
        query: Mapping[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#owner = :owner AND begins_with(item_key, :slot)",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": owner.key}, ":slot": {"S": "slot/"}},
        }
        return [*read_items(self.client, query)]

    def _is_running(self, owner: Owner, export_id: str, now: datetime) -> bool:
        try:
            export = self.read(owner, export_id)
        except Unreadable:
            return False
        return export is not None and export.status_at(now) == "running"

    def _take_slot(self, export: Export, slot: str, used_by: str | None) -> bool:
        """Stores an export in a slot, or returns False if another one has it meanwhile."""
        item: Attributes = {
            "owner": {"S": export.owner.key},
            "item_key": {"S": slot},
            "export_id": {"S": export.id},
            "purge_at": export.to_item()["purge_at"],
        }
        put: Any = {"TableName": self.table, "Item": item}
        if used_by is None:
            put["ConditionExpression"] = "attribute_not_exists(export_id)"
        else:
            put["ConditionExpression"] = "export_id = :used_by"
            put["ExpressionAttributeValues"] = {":used_by": {"S": used_by}}
        new: Any = {
            "TableName": self.table,
            "Item": export.to_item(),
            "ConditionExpression": "attribute_not_exists(item_key)",
        }
        return write_all_or_nothing(self.client, [{"Put": put}, {"Put": new}])
