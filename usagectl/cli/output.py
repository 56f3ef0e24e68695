"""What commands print: results to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def show(message: str) -> None:
    """Prints a line of the result."""
    print(message)


def tell(message: str) -> None:
    """Prints a line that is not part of the result."""
    print(message, file=sys.stderr)


def show_json(value: object) -> None:
    """Prints a result as JSON, for people and programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def show_fields(fields: Mapping[str, object], as_json: bool) -> None:
    """Prints fields as a JSON object, or one line each."""
    if as_json:
        show_json(fields)
        return
    for name, value in fields.items():
        show(f"{name}: {_as_text(value)}")


def show_table(entries: list[dict[str, Any]], as_json: bool, if_empty: str) -> None:
    """Prints entries as a JSON list, or as a table with a header, or ``if_empty``."""
    if as_json:
        show_json(entries)
        return
    if not entries:
        show(if_empty)
        return
    lines = [list(entries[0]), *([_as_text(value) for value in e.values()] for e in entries)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        show("  ".join(cells).rstrip())


def number_of(number: int, noun: str, plural: str | None = None) -> str:
    """Returns a number with its noun: ``1 row``, ``20,000 rows``.

    ``plural`` is needed only where the plural isn't made with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def now() -> datetime:
    """Returns this moment."""
    return datetime.now(UTC)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
