"""A data set: a folder of NDJSON files in the import's format, read line by line.

Nothing is kept in memory but the line at hand. A line that can't be used becomes a ``Rejection``,
and the next one is read. A file may be compressed (``executions.ndjson.gz``).
"""

import gzip
import json
import re
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from usagectl.errors import CommandError
from usagectl.report import MAX_BEGINNING, visible
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.listing.min_date import MinDateSetting
from workspace_usage.recording.payloads import parse_access_token, parse_membership, parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import InvalidValue, parse_json

type Item = dict[str, dict[str, Any]]
"""What is stored of one line, in DynamoDB JSON."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line, or (line 0) a file, that can't be used, and why.

    The text names file, line and reason. How the line begins is for the report alone: it may tell
    of people.
    """

    file: str
    line: int
    reason: str
    beginning: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return visible(f"{place}: {self.reason}")

    @property
    def entry(self) -> str:
        """What the report says of it."""
        return f"{self} | {self.beginning}" if self.beginning else str(self)


@dataclass(frozen=True, slots=True)
class Records:
    """One of a data set's files: its name, the table that it fills, and how its records are read.

    Attributes:
        file: the file's name, without ``.gz``.
        noun: what a record is called.
        table: the field of ``workspace_usage.rows.tables.Tables`` that names the table.
        to_item: makes an item of a record, or raises InvalidValue.
    """

    file: str
    noun: str
    table: str
    to_item: Callable[[object], Item]

    @property
    def is_access(self) -> bool:
        """Whether its records say who may come in."""
        return self.table in {"access_tokens", "memberships"}


def _row(source: Source, record: object) -> Item:
    return to_stored_item(parse_row(source, record))


RECORDS: Final = (
    Records("tokens.ndjson", "token", "access_tokens", lambda r: token_item(parse_access_token(r))),
    Records(
        "members.ndjson", "member", "memberships", lambda r: membership_item(parse_membership(r))
    ),
    Records("executions.ndjson", "execution", "executions", partial(_row, Source.CURRENT)),
    Records("archived.ndjson", "execution", "archived_executions", partial(_row, Source.ARCHIVED)),
    Records("edited.ndjson", "chat", "edited_chats", partial(_row, Source.EDITED)),
)
"""The files of a data set. One that isn't there holds nothing."""

_MARK: Final = secrets.token_hex(16)

SETTINGS_FILE: Final = "settings.json"
MEDIA_FOLDER: Final = "media"

MAX_PLACES: Final = 200
"""Zeros that are written of a number at most: more than a table's numbers have."""

LONGEST_LINE: Final = 1_048_576
"""Bytes of a line that are read at most: far more than a record that can be used may have."""


class UnreadableFile(CommandError):
    """A file of the data set can't be read at all; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something in a data set's folder that isn't read; ``meant`` is what its name is close to."""

    name: str
    meant: str | None


def known_names() -> list[str]:
    """The names of files, and of the folder, that a data set can consist of."""
    plain = [records.file for records in RECORDS]
    return [*plain, *(f"{name}.gz" for name in plain), SETTINGS_FILE, MEDIA_FOLDER]


def strangers(folder: Path) -> list[Stranger]:
    """What is in ``folder`` and isn't read, hidden files aside.

    Raises:
        OSError: the folder can't be read.
    """
    known = known_names()
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    found = []
    for name in names:
        if name not in known:
            meant = get_close_matches(name.lower(), known, n=1)
            found.append(Stranger(visible(name), meant[0] if meant else None))
        elif name == MEDIA_FOLDER and not (folder / name).is_dir():
            found.append(Stranger(name, "a folder of that name"))
    return found


def has_data(folder: Path) -> bool:
    """Whether anything in ``folder`` is read."""
    return any((folder / name).exists() for name in known_names())


def find_file(folder: Path, records: Records) -> Path | None:
    """The file, plain or compressed, that holds these records; None when there is none.

    Raises:
        UnreadableFile: there are both.
    """
    plain, compressed = folder / records.file, folder / f"{records.file}.gz"
    if plain.exists() and compressed.exists():
        raise UnreadableFile(f"{folder}: {plain.name} and {compressed.name} are both there")
    return next((path for path in (plain, compressed) if path.exists()), None)


def read_items(
    path: Path, records: Records, after: int = 0
) -> Iterator[tuple[int, Item | Rejection]]:
    """The numbers of the lines after line ``after``, and what is to be stored of each.

    Blank lines are skipped.

    Raises:
        UnreadableFile: the file can't be read, or not to its end.
    """
    for number, line in _numbered_lines(path):
        if number <= after or not line.strip():
            continue
        try:
            if len(line) > LONGEST_LINE:
                raise InvalidValue(f"is longer than {LONGEST_LINE:,} bytes")
            yield number, records.to_item(parse_json(line))
        except InvalidValue as error:
            beginning = visible(line.strip(), MAX_BEGINNING)
            yield number, Rejection(path.name, number, str(error), beginning)


def count_lines(folder: Path) -> int:
    """How many lines the files of a data set have, blank ones included.

    Raises:
        UnreadableFile: one can't be read, or not to its end.
    """
    files = (find_file(folder, records) for records in RECORDS)
    return sum(1 for path in files if path is not None for _ in _numbered_lines(path))


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines, from 1; of one that is too long, only so much that this can be seen."""
    opened = gzip.open if path.suffix == ".gz" else Path.open
    with _readable(path), opened(path, "rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            yield number, line
            while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE + 1)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"{path}: {reason}") from None


def to_json(value: object) -> str:
    """``value`` as JSON text on one line, its Decimals in plain decimals, with all their digits.

    A float would lose some, and the standard library writes no Decimal: a text that nothing else
    can contain stands in for it.

    Raises:
        TypeError: JSON has no form for something in it.
    """
    numbers: list[str] = []

    def stand_in(unknown: object) -> str:
        if not isinstance(unknown, Decimal):
            raise TypeError(f"{type(unknown).__name__} has no form in JSON")
        numbers.append(plain(unknown))
        return f"{_MARK}{len(numbers) - 1}"

    text = json.dumps(value, default=stand_in, ensure_ascii=False)
    if not numbers:
        return text
    return re.sub(rf'"{_MARK}(\d+)"', lambda match: numbers[int(match[1])], text)


def plain(number: Decimal) -> str:
    """``number`` without an exponent, ``0.0000001``; with one only if no table could hold it."""
    return (
        f"{number:f}"
        if -MAX_PLACES <= int(number.as_tuple().exponent) <= MAX_PLACES
        else f"{number}"
    )


def read_min_date(folder: Path) -> str | Rejection | None:
    """``usage_history_min_date`` as the JSON text of its parameter; None when the folder has none.

    Raises:
        UnreadableFile: the file is there and can't be read.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        return None
    try:
        with _readable(path), path.open("rb") as file:
            text = file.read(LONGEST_LINE)
        settings = parse_json(text)
        if not isinstance(settings, dict):
            raise InvalidValue("must be a JSON object")
        setting = settings.get("usage_history_min_date")
        return None if setting is None else _min_date(setting)
    except InvalidValue as error:
        beginning = visible(text.strip(), MAX_BEGINNING)
        return Rejection(SETTINGS_FILE, 0, str(error), beginning)


def _min_date(setting: object) -> str:
    try:
        return MinDateSetting.from_json(setting).to_json()
    except InvalidValue as error:
        raise InvalidValue(f"usage_history_min_date.{error}") from None
