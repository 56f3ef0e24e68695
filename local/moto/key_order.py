"""The items of one of moto's tables, or of an index of it, in the order of their key.

Every partition's items lie side by side, sorted: those that meet the conditions of a Query are
found without a look at any other.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from sortedcontainers import SortedKeyList

type Values = tuple[Any, ...]
"""Values of key attributes, which Python compares as DynamoDB does."""


class _Above:
    """Compares as greater than every value: what begins with ``k`` lies below ``(*k, ABOVE)``."""

    def __lt__(self, _: object) -> bool:
        return False

    def __gt__(self, _: object) -> bool:
        return True


_ABOVE: Final = _Above()


class UnsupportedRequest(Exception):
    """A question that is left to moto."""


class KeyOrder:
    """The items of a table that have all attributes of a key, in the order of that key.

    Args:
        hash_names: the attributes that all items of a partition share.
        range_names: the attributes by which a partition is sorted; the table's own key is last.
        types: the type of each attribute. An item with another type in one of them is not in it.
    """

    def __init__(
        self, hash_names: list[str], range_names: list[str], types: Mapping[str, str]
    ) -> None:
        self._hash_names = hash_names
        self._names = [*hash_names, *range_names]
        self._types = types
        self._items = SortedKeyList(key=self._key)

    def add(self, item: Item) -> None:
        """Takes an item that isn't in it yet."""
        if self._belongs(item):
            self._items.add(item)

    def remove(self, item: Item) -> None:
        """Gives up an item, whose key must be as it was when it was added."""
        if self._belongs(item):
            del self._items[self._items.bisect_key_left(self._key(item))]

    def after(self, start_key: Mapping[str, Any] | None) -> Iterator[Item]:
        """The items behind a key, in order, or all of them."""
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
        """The items that meet a question's key conditions, then the next one of the partition.

        That one tells moto that there is more.

        Args:
            equal: the attributes for which a value is given.
            condition: name, operator and values of the condition on one more attribute.
            start_key: the last key of the page before.
            forward: whether the order is that of the keys, or the opposite.

        Raises:
            Unusual: the question isn't of a form that is understood here.
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
        found = self._items.islice(start, stop, reverse=not forward)
        following = (stop, min(stop + 1, end)) if forward else (max(start - 1, first), start)
        return chain(found, self._items.islice(*following))

    def _bounds(
        self, prefix: Values, condition: tuple[str, str, list[DynamoType]] | None
    ) -> tuple[Values, Values]:
        """Where the items that meet a condition begin, and where they end."""
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

    def _belongs(self, item: Item) -> bool:
        return all(
            name in item.attrs and item.attrs[name].type == self._types.get(name)
            for name in self._names
        )

    def _key(self, item: Item) -> Values:
        return tuple(item.attrs[name].cast_value for name in self._names)

    def _values(self, given: Mapping[str, DynamoType], names: list[str]) -> Values:
        if given.keys() != set(names):
            raise UnsupportedRequest
        return tuple(self._value(name, given[name]) for name in names)

    def _value(self, name: str, value: DynamoType) -> Any:
        if value.type != self._types.get(name):
            raise UnsupportedRequest
        return value.cast_value


def typed(key: Mapping[str, Any]) -> dict[str, DynamoType]:
    return {name: DynamoType(value) for name, value in key.items()}
