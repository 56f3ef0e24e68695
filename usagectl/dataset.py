"""A data set: a folder of NDJSON files in the import's format, read line by line.

Nothing is kept in memory but the line at hand. A line that can't be used becomes a ``Rejection``,
and the next one is read.
"""

import json
from collections.abc import Callable, Iterator
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

SETTINGS_FILE: Final = "settings.json"
MEDIA_FOLDER: Final = "media"


def read_items(folder: Path, records: Records) -> Iterator[Item | Rejection]:
    """What is to be stored of each line of one file, in the file's order; blank lines are skipped.

    Raises:
        OSError: the file is there and can't be read.
    """
    path = folder / records.file
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield records.to_item(parse_json(line))
            except InvalidRecord as error:
                yield Rejection(records.file, number, str(error))


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


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def read_min_date(folder: Path) -> str | Rejection | None:
    """``usage_history_min_date`` as the JSON text of its parameter; None when the folder has none.

    Raises:
        OSError: the file is there and can't be read.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        return None
    try:
        settings = parse_json(path.read_bytes())
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
