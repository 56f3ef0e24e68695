"""moto's DynamoDB tables, made fast enough for large partitions: their items are kept sorted.

For each Query moto looks at all items of a table, for each page of a Scan it sorts them, and for
each transaction it copies them. ``SortedTable`` keeps the items of a table and of its indexes in
moto's order, and lets moto look at the few items that can be part of a response. moto still makes
the response. Unusual requests are left to moto alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any, Final

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, SecondaryIndex, Table

from local.moto.key_order import KeyOrder, UnsupportedRequest

_QUERY: Final = signature(Table.query)
_SCAN: Final = signature(Table.scan)


class _NotAKey(Exception):
    """The key is not one that an item can have."""


class SortedTable(Table):
    """A moto table that looks at as few items as possible.

    Args:
        table: the empty table that moto made and checked; the new one replaces it.
    """

    def __init__(self, table: Table) -> None:
        vars(self).update(vars(table))
        self._candidate_items: Iterable[Item] | None = None
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
        """Returns itself: moto copies tables to undo transactions, which SortedBackend undoes."""
        return self

    def all_items(self) -> list[Item]:
        """Returns all items, or those that a request needs; moto only iterates over them."""
        return super().all_items() if self._candidate_items is None else self._candidate_items  # type: ignore[return-value]

    def query(self, *arguments: Any, **named: Any) -> Any:
        """Answers a Query as moto does."""
        request = _QUERY.bind(self, *arguments, **named).arguments
        with self._looking_at(lambda: self._candidates(request)):
            return super().query(*arguments, **named)

    def scan(self, *arguments: Any, **named: Any) -> Any:
        """Answers a Scan as moto does."""
        request = _SCAN.bind(self, *arguments, **named).arguments
        with self._looking_at(lambda: self._remaining(request)):
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
        """Keeps the order right while the item with this key is changed.

        ``key`` can be a whole item. It can also be incomplete: then there is no such item.
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
        """Returns the item with this key, or None if there is none or can be none."""
        try:
            return self.get_item(*self._keys(key))
        except _NotAKey:
            return None

    def restore(self, key: Mapping[str, Any], item: Item | None) -> None:
        """Restores the item with this key; None deletes it."""
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
        """Returns the values of the table's key.

        Raises:
            _NotAKey: a value is missing or of another type, so that moto will refuse it.
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

    def _candidates(self, request: Mapping[str, Any]) -> list[Item]:
        """Returns the items that moto has to look at to answer a Query.

        Raises:
            UnsupportedRequest: it has to look at all items.
        """
        order = self._orders.get(request.get("index_name"))
        if order is None or request.get("filter_kwargs"):
            raise UnsupportedRequest
        equal = dict(request.get("hash_key_conditions") or ())
        *equalities, condition = request.get("range_key_conditions") or [None]
        equal |= {name: values[0] for name, _, values in equalities}
        items = order.candidates(
            equal,
            condition,
            request["exclusive_start_key"],
            forward=request["scan_index_forward"] is not False,
        )
        return list(_one_page(items, request["limit"]))

    def _remaining(self, request: Mapping[str, Any]) -> Iterator[Item]:
        """Returns the items that moto has to look at to answer a Scan.

        Raises:
            UnsupportedRequest: it has to look at all items.
        """
        if request.get("index_name"):
            raise UnsupportedRequest
        return self._orders[None].after(request["exclusive_start_key"])

    @contextmanager
    def _looking_at(self, find: Callable[[], Iterable[Item]]) -> Iterator[None]:
        try:
            self._candidate_items = find()
        except UnsupportedRequest:
            self._candidate_items = None
        try:
            yield
        finally:
            self._candidate_items = None


def _one_page(items: Iterator[Item], limit: int | None) -> Iterator[Item]:
    """Yields the items of one response, and the first item that doesn't fit into it."""
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
            hash(value)  # raises if it is not a number
            return value
    except (LookupError, ArithmeticError):
        pass
    raise _NotAKey


def _names(index: SecondaryIndex, kind: str) -> list[str]:
    return [key["AttributeName"] for key in index.schema if key["KeyType"] == kind]
