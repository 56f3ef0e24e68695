"""Lines of a file of payloads as stored items, encoded as they are sent to DynamoDB."""

from collections.abc import Iterable
from typing import NamedTuple, Self

import orjson

from usagectl.data_set.payload_files import PayloadFile, check_line
from usagectl.data_set.rejections import Rejection
from workspace_usage.aws.dynamodb import Attributes

type NumberedLine = tuple[int, bytes]
"""A line of a file, with its number."""

type CheckedLine = tuple[int, "EncodedItem | Rejection"]
"""The number of a line, and its item or why it can't be used."""


class EncodedItem(NamedTuple):
    """A stored item that is ready to be sent.

    Attributes:
        key: its key as text: ``11/2026-01-05T19:35:21.000000Z#0#00000000000000000042`` for a row.
        content: the item in DynamoDB JSON.
    """

    key: str
    content: bytes

    @classmethod
    def of(cls, item: Attributes) -> Self:
        """Encodes an item."""
        key = "/".join(item[name].get("N") or item[name]["S"] for name in _key_names(item))
        return cls(key, orjson.dumps(item))

    def decode(self) -> Attributes:
        """Returns the item as botocore's clients take it."""
        item: Attributes = orjson.loads(self.content)
        return item


def check_lines(lines: Iterable[NumberedLine], file: PayloadFile, name: str) -> list[CheckedLine]:
    """Returns what becomes of some lines of a file.

    Args:
        lines: the lines.
        file: which of a data set's files it is.
        name: the name that rejections have for it: with ``.gz`` if it is compressed.
    """
    checked: list[CheckedLine] = []
    for number, line in lines:
        item = check_line(number, line, file, name)
        checked.append((number, item if isinstance(item, Rejection) else EncodedItem.of(item)))
    return checked


def _key_names(item: Attributes) -> tuple[str, ...]:
    if "token_id" in item:
        return ("token_id",)
    return ("workspace_id", "sort_key" if "sort_key" in item else "user_id")
