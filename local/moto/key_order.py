"""The items of a moto table, or of one of its indexes, sorted by their key.

The items of a partition are neighbours, and sorted. So the items that meet a Query's key conditions
are found without looking at all others.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from sortedcontainers import SortedKeyList

type Values = tuple[Any, ...]
"""Values of key attributes. Python compares them as DynamoDB does."""


class _Above:
    """Is greater than every value: all keys that begin with ``k`` are below ``(*k, _ABOVE)``."""

    def __lt__(self, _: object) -> bool:
        return False

    def __gt__(self, _: object) -> bool:
        return True


_ABOVE: Final = _Above()


class UnsupportedRequest(Exception):
    """A request that isn't sped up here: moto answers it without help."""


class KeyOrder:
    """The items of a table that have all attributes of a key, sorted by that key.

    Args:
        hash_names: the attributes that form the partition key.
        range_names: the attributes by which a partition is sorted; the table's own key is last.
        types: the type of each attribute. Items with a value of another type are left out.
    """

    def __init__(
        self, hash_names: list[str], range_names: list[str], types: Mapping[str, str]
    ) -> None:
        self._hash_names = hash_names
        self._names = [*hash_names, *range_names]
        self._types = types
        self._items = SortedKeyList(key=self._key)

    def add(self, item: Item) -> None:
        """Adds a new item."""
        if self._has_key(item):
            self._items.add(item)

    def remove(self, item: Item) -> None:
        """Removes an item, whose key must be the same as when it was added."""
        if self._has_key(item):
            del self._items[self._items.bisect_key_left(self._key(item))]

    def after(self, start_key: Mapping[str, Any] | None) -> Iterator[Item]:
        """Returns the items after a key in order, or all items if it is None."""
        start = 0
        if start_key is not None:
            last = self._values(typed(start_key), self._names)
            start = self._items.bisect_key_right(last)
        return iter(self._items.islice(start))

    def candidates(
        self,
        equal: Mapping[str, DynamoType],
        condition: tuple[str, str, list[DynamoType]] | None,
        start_key: Mapping[str, Any] | None,
        *,
        forward: bool,
    ) -> Iterator[Item]:
        """Returns the items that meet a Query's key conditions, and the partition's next item.

        The next item shows moto that there is more.

        Args:
            equal: the attributes with a condition of equality, and their values.
            condition: name, operator and values of the condition on one more attribute.
            start_key: the last key of the page before.
            forward: whether to return items in the order of their keys, or in the opposite order.

        Raises:
            UnsupportedRequest: the conditions are of a form that isn't supported here.
        """
        if len(equal) < len(self._hash_names):
            raise UnsupportedRequest
        prefix = self._values(equal, self._names[: len(equal)])
        first, end = self._index(prefix), self._index((*prefix, _ABOVE))
        low, high = self._bounds(prefix, condition)
        start = self._index(low)
        stop = max(start, self._index(high))
        if start_key is not None:
            last = self._values(typed(start_key), self._names)
            if forward:
                start = max(start, self._items.bisect_key_right(last))
                stop = max(start, stop)
            else:
                stop = min(stop, self._items.bisect_key_left(last))
                start = min(start, stop)
        items = self._items.islice(start, stop, reverse=not forward)
        following = (stop, min(stop + 1, end)) if forward else (max(start - 1, first), start)
        return chain(items, self._items.islice(*following))

    def _bounds(
        self, prefix: Values, condition: tuple[str, str, list[DynamoType]] | None
    ) -> tuple[Values, Values]:
        """Returns the bounds of the keys that meet a condition; the upper one is exclusive."""
        if condition is None:
            return prefix, (*prefix, _ABOVE)
        name, operator, given = condition
        if len(prefix) == len(self._names) or name != self._names[len(prefix)]:
            raise UnsupportedRequest
        values = [(*prefix, self._value(name, value)) for value in given]
        match operator:
            case "=":
                return values[0], (*values[0], _ABOVE)
            case "<":
                return prefix, values[0]
            case "<=":
                return prefix, (*values[0], _ABOVE)
            case ">":
                return (*values[0], _ABOVE), (*prefix, _ABOVE)
            case ">=":
                return values[0], (*prefix, _ABOVE)
            case "BETWEEN":
                return values[0], (*values[1], _ABOVE)
        raise UnsupportedRequest

    def _index(self, bound: Values) -> int:
        index: int = self._items.bisect_key_left(bound)
        return index

    def _has_key(self, item: Item) -> bool:
        return all(
            name in item.attrs and item.attrs[name].type == self._types.get(name)
            for name in self._names
        )

    def _key(self, item: Item) -> Values:
        return tuple(_comparable(item.attrs[name]) for name in self._names)

    def _values(self, given: Mapping[str, DynamoType], names: list[str]) -> Values:
        if given.keys() != set(names):
            raise UnsupportedRequest
        return tuple(self._value(name, given[name]) for name in names)

    def _value(self, name: str, value: DynamoType) -> Any:
        if value.type != self._types.get(name):
            raise UnsupportedRequest
        return _comparable(value)


def _comparable(value: DynamoType) -> Any:
    """Returns the value that moto compares; whole numbers as int, with a quarter of the memory."""
    if value.type == "N" and value.value.isdecimal():
        return int(value.value)
    return value.cast_value


def typed(key: Mapping[str, Any]) -> dict[str, DynamoType]:
    """Returns a key in moto's types."""
    return {name: DynamoType(value) for name, value in key.items()}
