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
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from workspace_usage.directory import membership_item, token_item
from workspace_usage.records import InvalidRecord, access_token, execution_row, membership
from workspace_usage.rows import Source, to_item

type Item = dict[str, dict[str, Any]]
"""What is stored of one line, in DynamoDB JSON."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line, or (line 0) a file, that can't be used, and why; never what the line says."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Records:
    """One of a data set's files: its name, the table that it fills, and how its records are read.

    ``table`` is the field of ``workspace_usage.settings.Tables`` that names it. ``to_item`` makes
    an item of a record, or raises InvalidRecord.
    """

    file: str
    table: str
    to_item: Callable[[object], Item]


def _row(source: Source, record: object) -> Item:
    return to_item(execution_row(source, record))


RECORDS: Final = (
    Records("tokens.ndjson", "access_tokens", lambda record: token_item(access_token(record))),
    Records("members.ndjson", "memberships", lambda record: membership_item(membership(record))),
    Records("executions.ndjson", "executions", partial(_row, Source.CURRENT)),
    Records("archived.ndjson", "archived_executions", partial(_row, Source.ARCHIVED)),
    Records("edited.ndjson", "edited_chats", partial(_row, Source.EDITED)),
)
"""The files of a data set. One that isn't there holds nothing."""

_MARK: Final = secrets.token_hex(16)

SETTINGS_FILE: Final = "settings.json"
MEDIA_FOLDER: Final = "media"


LONGEST_LINE: Final = 1_048_576
"""Bytes of a line that are read at most: far more than a record that can be used may have."""


class UnreadableFile(Exception):
    """A file of the data set can't be read at all; the text says which, and why."""


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
                raise InvalidRecord(f"is longer than {LONGEST_LINE:,} bytes")
            yield number, records.to_item(parse_json(line))
        except InvalidRecord as error:
            yield number, Rejection(path.name, number, str(error))


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


def parse_json(text: bytes) -> object:
    """The JSON value of ``text``, its numbers exact.

    Raises:
        InvalidRecord: it isn't UTF-8, or isn't JSON.
    """
    try:
        return json.loads(
            text.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant
        )
    except UnicodeDecodeError:
        raise InvalidRecord("is not UTF-8") from None
    except RecursionError:
        raise InvalidRecord("is nested too deeply") from None
    except ValueError as error:
        raise InvalidRecord(f"is not JSON: {error}") from None


def to_json(value: object) -> str:
    """``value`` as JSON text on one line, its Decimals with the digits they have.

    A float would lose some, and the standard library writes no Decimal: a text that nothing else
    can contain stands in for it.

    Raises:
        TypeError: JSON has no form for something in it.
    """
    numbers: list[str] = []

    def stand_in(unknown: object) -> str:
        if not isinstance(unknown, Decimal):
            raise TypeError(f"{type(unknown).__name__} has no form in JSON")
        numbers.append(str(unknown))
        return f"{_MARK}{len(numbers) - 1}"

    text = json.dumps(value, default=stand_in, ensure_ascii=False)
    if not numbers:
        return text
    return re.sub(rf'"{_MARK}(\d+)"', lambda match: numbers[int(match[1])], text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def read_min_date(folder: Path) -> str | Rejection | None:
    """``usage_history_min_date`` as the JSON text of its parameter; None when the folder has none.

    Raises:
        UnreadableFile: the file is there and can't be read.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        return None
    try:
        with _readable(path):
            text = path.read_bytes()
        settings = parse_json(text)
        if not isinstance(settings, dict):
            raise InvalidRecord("must be a JSON object")
        setting = settings.get("usage_history_min_date")
        return None if setting is None else _min_date(setting)
    except InvalidRecord as error:
        return Rejection(SETTINGS_FILE, 0, str(error))


def _min_date(setting: object) -> str:
    enabled = setting.get("enabled") if isinstance(setting, dict) else None
    if not isinstance(setting, dict) or not isinstance(enabled, bool):
        raise InvalidRecord("usage_history_min_date.enabled: must be true or false")
    day = setting.get("date")
    if enabled or day is not None:
        try:
            date.fromisoformat(day if isinstance(day, str) else "")
        except ValueError:
            raise InvalidRecord("usage_history_min_date.date: must be YYYY-MM-DD") from None
    return json.dumps({"enabled": enabled, "date": day})


def read_media(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every media file with its key in the bucket. Links are not followed out of the folder."""
    root = folder / MEDIA_FOLDER
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            yield path.relative_to(root).as_posix(), path
