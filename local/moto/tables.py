"""moto's DynamoDB tables, made fast enough for big partitions: their items are kept sorted.

moto walks a whole table for each Query, sorts all of it for each page of a Scan, and copies it for
each transaction. ``SortedTable`` keeps the items of a table and of its indexes in moto's order, and
lets moto look at those few that can be part of an answer. The answer is still made by moto. What is
not of the usual form is left to moto altogether.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from threading import Lock
from typing import Any, Final

from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, SecondaryIndex, Table
from moto.dynamodb.responses import DynamoHandler

from local.moto.key_order import KeyOrder, UnsupportedRequest

MAX_ITEM_BYTES: Final = 405_000
"""Bytes, as moto has it."""

_QUERY: Final = signature(Table.query)
_SCAN: Final = signature(Table.scan)


class _NotAKey(Exception):
    """A key that no item can have."""


class SortedTable(Table):
    """A table of moto's that looks at no more items than it has to."""

    def __init__(self, table: Table) -> None:
        """Takes the place of ``table``, which is empty: moto has made and checked it."""
        vars(self).update(vars(table))
        self._found: Iterable[Item] | None = None
        self._is_changing = False
        types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in self.attr}
        own_range = [] if self.range_key_attr is None else [self.range_key_attr]
        own = [self.hash_key_attr, *own_range]
        self._orders: dict[str | None, KeyOrder] = {
            None: KeyOrder([self.hash_key_attr], own_range, types),
            **{
                index.name: KeyOrder(
                    _names(index, "HASH"),
                    # Without a range key of its own, an index is sorted by the table's.
                    [*(_names(index, "RANGE") or own[-1:]), *own],
                    types,
                )
                for index in self.all_indexes()
            },
        }

    def __deepcopy__(self, _: object) -> "SortedTable":
        """Itself: moto copies a table in case it has to undo a transaction, which is done below."""
        return self

    def all_items(self) -> list[Item]:
        """All items, or those that a question is about; moto does nothing but iterate over them."""
        return super().all_items() if self._found is None else self._found  # type: ignore[return-value]

    def query(self, *arguments: Any, **named: Any) -> Any:
        """Answers a Query as moto does."""
        asked = _QUERY.bind(self, *arguments, **named).arguments
        with self._looking_at(lambda: self._candidates(asked)):
            return super().query(*arguments, **named)

    def scan(self, *arguments: Any, **named: Any) -> Any:
        """Answers a Scan as moto does."""
        asked = _SCAN.bind(self, *arguments, **named).arguments
        with self._looking_at(lambda: self._rest(asked)):
            return super().scan(*arguments, **named)

    def put_item(self, item_attrs: dict[str, Any], *arguments: Any, **named: Any) -> Item:
        """Puts an item as moto does."""
        with self.changing(item_attrs):
            return super().put_item(item_attrs, *arguments, **named)

    def delete_item(self, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
        """Deletes an item as moto does."""
        item = super().delete_item(hash_key, range_key)
        if item is not None:
            self._remove(item)
        return item

    @contextmanager
    def changing(self, key: Mapping[str, Any]) -> Iterator[None]:
        """Finds the new place of the item with this key, which changes meanwhile.

        ``key`` may be a whole item, and may lack what a key must have: then there is no item.
        """
        if self._is_changing:
            yield
            return
        self._remove(self.stored(key))
        self._is_changing = True
        try:
            yield
        finally:
            self._is_changing = False
            self._add(self.stored(key))

    def stored(self, key: Mapping[str, Any]) -> Item | None:
        """The item with this key; none if it can't be the key of an item."""
        try:
            return self.get_item(*self._keys(key))
        except _NotAKey:
            return None

    def restore(self, key: Mapping[str, Any], item: Item | None) -> None:
        """Puts ``item`` back as it was, or makes sure that there is none again."""
        try:
            hash_key, range_key = self._keys(key)
        except _NotAKey:
            return
        self.delete_item(hash_key, range_key)
        if item is None:
            return
        if range_key is None:
            self.items[hash_key] = item  # type: ignore[assignment]
        else:
            self.items[hash_key][range_key] = item
        self._add(item)

    def _keys(self, key: Mapping[str, Any]) -> tuple[DynamoType, DynamoType | None]:
        """The values of the table's key.

        Raises:
            _NotAKey: one is missing, or isn't of its type, and moto refuses what has it.
        """
        hash_key = _key_value(key, self.hash_key_attr, self.hash_key_type)
        if self.range_key_attr is None:
            return hash_key, None
        return hash_key, _key_value(key, self.range_key_attr, self.range_key_type)

    def _add(self, item: Item | None) -> None:
        if item is not None:
            for order in self._orders.values():
                order.add(item)

    def _remove(self, item: Item | None) -> None:
        if item is not None:
            for order in self._orders.values():
                order.remove(item)

    def _candidates(self, asked: Mapping[str, Any]) -> list[Item]:
        """The items that moto has to look at to answer a Query.

        Raises:
            Unusual: that has to be all of them.
        """
        order = self._orders.get(asked.get("index_name"))
        if order is None or asked.get("filter_kwargs"):
            raise UnsupportedRequest
        equal = dict(asked.get("hash_key_conditions") or ())
        *equalities, condition = asked.get("range_key_conditions") or [None]
        equal |= {name: values[0] for name, _, values in equalities}
        found = order.candidates(
            equal,
            condition,
            asked["exclusive_start_key"],
            forward=asked["scan_index_forward"] is not False,
        )
        return list(_one_page(found, asked["limit"]))

    def _rest(self, asked: Mapping[str, Any]) -> Iterator[Item]:
        """The items that moto has to look at to answer a Scan.

        Raises:
            Unusual: that has to be all of them.
        """
        if asked.get("index_name"):
            raise UnsupportedRequest
        return self._orders[None].after(asked["exclusive_start_key"])

    @contextmanager
    def _looking_at(self, find: Callable[[], Iterable[Item]]) -> Iterator[None]:
        try:
            self._found = find()
        except UnsupportedRequest:
            self._found = None
        try:
            yield
        finally:
            self._found = None


def _one_page(items: Iterator[Item], limit: int | None) -> Iterator[Item]:
    """The items of one answer, and the one that doesn't fit any more."""
    size = 0
    for number, item in enumerate(items):
        yield item
        size += item.size()
        if number == limit or size > RESULT_SIZE_LIMIT:
            return


def _key_value(key: Mapping[str, Any], name: str, of_type: str | None) -> DynamoType:
    try:
        value = DynamoType(key[name])
        if value.type == of_type:
            hash(value)  # what is no number can't be
            return value
    except (LookupError, ArithmeticError):
        pass
    raise _NotAKey


def _names(index: SecondaryIndex, kind: str) -> list[str]:
    return [key["AttributeName"] for key in index.schema if key["KeyType"] == kind]


class SortedBackend(models.DynamoDBBackend):
    """moto's DynamoDB with sorted tables. It undoes a transaction item by item."""

    # moto finds the addresses and the operations of a service by the module of its backend.
    __module__ = models.__name__

    def create_table(self, name: str, *arguments: Any, **named: Any) -> Table:
        """Makes a table as moto does."""
        table = SortedTable(super().create_table(name, *arguments, **named))  # type: ignore[abstract]
        self.tables[name] = table
        return table

    def update_item(
        self, table_name: str, key: dict[str, dict[str, Any]], *arguments: Any, **named: Any
    ) -> Item:
        """Updates an item as moto does: in its place, which may then be another."""
        with self._sorted_table(table_name).changing(key):
            return super().update_item(table_name, key, *arguments, **named)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """Does all or nothing, as moto does by copies of the tables."""
        before = []
        for operation in (operation for item in transact_items for operation in item.values()):
            if operation["TableName"] in self.tables:
                table = self._sorted_table(operation["TableName"])
                key = operation.get("Key") or operation.get("Item") or {}
                before.append((table, key, copy.deepcopy(table.stored(key))))
        try:
            super().transact_write_items(transact_items)
        except BaseException:
            for table, key, item in before:
                table.restore(key, item)
            raise

    def _sorted_table(self, name: str) -> SortedTable:
        table = self.get_table(name)
        assert isinstance(table, SortedTable)  # noqa: S101 - all are
        return table


def install() -> None:
    """Makes moto use all this, and answer one call at a time.

    Otherwise moto would check a condition in one thread while another changes what it is about.
    """
    models.dynamodb_backends.backend = SortedBackend
    Item.__init__ = _init_item  # type: ignore[method-assign]
    DynamoHandler.call_action = _one_at_a_time(DynamoHandler.call_action)  # type: ignore[method-assign]


def _init_item(
    self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """As moto's, which measures the whole item again for each attribute."""
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
