"""moto's DynamoDB with sorted tables, and with one call at a time."""

import copy
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.moto.tables import SortedTable

MAX_ITEM_BYTES: Final = 405_000
"""Bytes; moto has the same limit."""


class SortedBackend(models.DynamoDBBackend):
    """moto's DynamoDB with sorted tables. It undoes a transaction item by item."""

    # moto uses a backend's module to find its service's addresses and operations.
    __module__ = models.__name__

    def create_table(self, name: str, *arguments: Any, **named: Any) -> Table:
        """Makes a table as moto does."""
        table = SortedTable(super().create_table(name, *arguments, **named))  # type: ignore[abstract]
        self.tables[name] = table
        return table

    def update_item(
        self, table_name: str, key: dict[str, dict[str, Any]], *arguments: Any, **named: Any
    ) -> Item:
        """Updates an item as moto does; its place in the order can change."""
        with self._sorted_table(table_name).changing(key):
            return super().update_item(table_name, key, *arguments, **named)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """Writes all or nothing; moto itself would copy the tables for that."""
        originals = []
        for operation in (operation for item in transact_items for operation in item.values()):
            if operation["TableName"] in self.tables:
                table = self._sorted_table(operation["TableName"])
                key = operation.get("Key") or operation.get("Item") or {}
                originals.append((table, key, copy.deepcopy(table.stored(key))))
        try:
            super().transact_write_items(transact_items)
        except BaseException:
            for table, key, item in originals:
                table.restore(key, item)
            raise

    def _sorted_table(self, name: str) -> SortedTable:
        table = self.get_table(name)
        assert isinstance(table, SortedTable)  # noqa: S101 - all tables are
        return table


def install() -> None:
    """Makes moto use sorted tables, and handle one call at a time.

    Otherwise a thread of moto could check a condition while another one changes the item.
    """
    models.dynamodb_backends.backend = SortedBackend
    Item.__init__ = _init_item  # type: ignore[method-assign]
    DynamoHandler.call_action = _one_at_a_time(DynamoHandler.call_action)  # type: ignore[method-assign]


def _init_item(
    self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """Does what moto's function does, but measures the item once, and not for each attribute."""
    self.hash_key = hash_key
    self.range_key = range_key
    self.attrs = LimitedSizeDict()
    dict.update(self.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    if self.size() > MAX_ITEM_BYTES:
        raise ItemSizeTooLarge


def _one_at_a_time(call_action: Callable[[DynamoHandler], Any]) -> Callable[[DynamoHandler], Any]:
    lock = Lock()

    def call(self: DynamoHandler) -> Any:
        with lock:
            return call_action(self)

    return call
