"""Rows as CSV for spreadsheets, and as NDJSON for programs: a file's beginning and its lines.

Both have the fields of the listing's items, in the same order. The link of a medium in the bucket
is its key, because a presigned URL would no longer work when somebody opens the file.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import NoneType
from typing import Any, Final, Literal

from workspace_usage.exporting.formulas import defuse
from workspace_usage.listing.answer import Item, ItemTokens, plain_number, to_item
from workspace_usage.listing.encoding import to_json
from workspace_usage.rows.row import Row

Format = Literal["csv", "ndjson"]
"""The form of an exported file."""

_FIELDS: Final = tuple(Item.__annotations__)
_TOKENS_INDEX: Final = _FIELDS.index("tokens")
_TOKEN_COLUMNS: Final = tuple(f"tokens_{name}" for name in ItemTokens.__annotations__)
_NO_TOKENS: Final = (None,) * len(_TOKEN_COLUMNS)

COLUMNS: Final = (*_FIELDS[:_TOKENS_INDEX], *_TOKEN_COLUMNS, *_FIELDS[_TOKENS_INDEX + 1 :])
"""The columns of the CSV: one a field, and one for each number of tokens."""

_BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells spreadsheets that the file is UTF-8."""

_LINE_END: Final = "\r\n"

# More than RFC 4180 asks for: a program may have several separators at the same time.
_SPECIAL: Final = ',;"\t\r\n'
_NEEDS_QUOTES: Final = re.compile(f"[{_SPECIAL}]")

_IS_A_CELL: Final = re.compile(f"[A-Za-z0-9/][^{_SPECIAL}]*")
"""Most texts: those that can be seen at once to need neither quotes nor an apostrophe."""

_MAX_REMEMBERED_CELLS: Final = 4_096
_MAX_REMEMBERED_LENGTH: Final = 256
"""With both limits, the cells that an encoder remembers take at most some MB."""


def begin(file_format: Format) -> str:
    """Returns what a file of this format begins with: a CSV's header, or nothing."""
    match file_format:
        case "csv":
            return f"{_BYTE_ORDER_MARK}{','.join(COLUMNS)}{_LINE_END}"
        case "ndjson":
            return ""


def encoder(file_format: Format) -> Callable[[Row], str]:
    """Returns a function that returns a row as a line of this format, with the line's end.

    Make one for many rows: it remembers texts that recur.
    """
    match file_format:
        case "csv":
            return _csv_encoder()
        case "ndjson":
            return _to_json_line


def _to_json_line(row: Row) -> str:
    return f"{to_json(to_item(row, _key_itself))}\n"


def _csv_encoder() -> Callable[[Row], str]:
    # By type, because this takes less time than asking for one type after the other.
    cell_makers: Mapping[type, Callable[[Any], str]] = {
        str: _TextCells().__getitem__,
        int: str,
        Decimal: plain_number,
        NoneType: _empty_cell,
    }

    def to_csv_line(row: Row) -> str:
        item = to_item(row, _key_itself)
        values: list[object] = list(item.values())
        tokens = _NO_TOKENS if item["tokens"] is None else item["tokens"].values()
        values[_TOKENS_INDEX : _TOKENS_INDEX + 1] = tokens
        cells = [cell_makers[type(value)](value) for value in values]
        return f"{','.join(cells)}{_LINE_END}"

    return to_csv_line


class _TextCells(dict[str, str]):
    """The cell of each text; those of short texts are remembered, since most texts recur."""

    def __missing__(self, text: str) -> str:
        cell = _text_cell(text)
        if len(text) <= _MAX_REMEMBERED_LENGTH:
            if len(self) >= _MAX_REMEMBERED_CELLS:
                self.clear()
            self[text] = cell
        return cell


def _text_cell(text: str) -> str:
    if _IS_A_CELL.fullmatch(text):
        return text
    cell = defuse(text)
    if not _NEEDS_QUOTES.search(cell):
        return cell
    quoted = cell.replace('"', '""')
    return f'"{quoted}"'


def _empty_cell(_: None) -> str:
    return ""


def _key_itself(key: str) -> str:
    return key
