"""A data set's files of payloads: NDJSON, one payload a line. Each file is for one table.

A line that can't be used becomes a ``Rejection``, and the next one is read. A file may be
compressed (``executions.ndjson.gz``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from usagectl.data_set.lines import MAX_LINE_BYTES, numbered_lines
from usagectl.data_set.rejections import MAX_BEGINNING_LENGTH, Rejection, visible
from usagectl.errors import UnreadableFile
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.recording.payloads import parse_access_token, parse_membership, parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import InvalidValue, parse_json


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """One of a data set's files of payloads.

    Attributes:
        name: the file's name, without ``.gz``.
        noun: what one of its payloads is called.
        table: the field of ``workspace_usage.rows.tables.Tables`` that names the table it fills.
        to_item: makes the stored item of a payload, or raises InvalidValue.
        source: the source of its rows, or None if it is about access.
    """

    name: str
    noun: str
    table: str
    to_item: Callable[[object], Attributes]
    source: Source | None = None

    @property
    def is_access(self) -> bool:
        """Whether its payloads say who may see what."""
        return self.source is None


def _token(payload: object) -> Attributes:
    return token_item(parse_access_token(payload))


def _member(payload: object) -> Attributes:
    return membership_item(parse_membership(payload))


def _row(source: Source, payload: object) -> Attributes:
    return to_stored_item(parse_row(source, payload))


def _row_file(name: str, noun: str, table: str, source: Source) -> PayloadFile:
    return PayloadFile(name, noun, table, partial(_row, source), source)


MEMBERS_FILE: Final = PayloadFile("members.ndjson", "member", "memberships", _member)

PAYLOAD_FILES: Final = (
    PayloadFile("tokens.ndjson", "token", "access_tokens", _token),
    MEMBERS_FILE,
    _row_file("executions.ndjson", "execution", "executions", Source.CURRENT),
    _row_file("archived.ndjson", "execution", "archived_executions", Source.ARCHIVED),
    _row_file("edited.ndjson", "chat", "edited_chats", Source.EDITED),
)
"""All files of payloads, in the order in which they are loaded. Any of them may be missing."""


def find_file(folder: Path, file: PayloadFile) -> Path | None:
    """Returns the path of a file, plain or compressed, or None if there is neither.

    Raises:
        UnreadableFile: both files exist.
    """
    plain, compressed = folder / file.name, folder / f"{file.name}.gz"
    if plain.exists() and compressed.exists():
        raise UnreadableFile(f"{folder}: {plain.name} and {compressed.name} are both there")
    return next((path for path in (plain, compressed) if path.exists()), None)


def read_stored_items(
    path: Path, file: PayloadFile, after: int = 0
) -> Iterator[tuple[int, Attributes | Rejection]]:
    """Yields for each line after line ``after`` its number, and its stored item or rejection.

    Blank lines are left out.

    Raises:
        UnreadableFile: the file can't be read, or not to its end.
    """
    for number, line in read_lines(path, after):
        yield number, check_line(number, line, file, path.name)


def read_lines(path: Path, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yields each line after line ``after`` with its number. Blank lines are left out.

    Raises:
        UnreadableFile: the file can't be read, or not to its end.
    """
    for number, line in numbered_lines(path):
        if number > after and line.strip():
            yield number, line


def check_line(number: int, line: bytes, file: PayloadFile, name: str) -> Attributes | Rejection:
    """Returns the stored item of a line, or why the line can't be used.

    Args:
        number: the line's number.
        line: the line.
        file: the file that the line is from.
        name: the name that a rejection has for the file.
    """
    try:
        if len(line) > MAX_LINE_BYTES:
            raise InvalidValue(f"is longer than {MAX_LINE_BYTES:,} bytes")
        return file.to_item(parse_json(line))
    except InvalidValue as error:
        beginning = visible(line.strip(), MAX_BEGINNING_LENGTH)
        return Rejection(name, number, str(error), beginning)


def count_lines(folder: Path) -> int:
    """Returns how many lines the files of payloads have, blank ones included.

    Raises:
        UnreadableFile: one can't be read, or not to its end.
    """
    paths = (find_file(folder, file) for file in PAYLOAD_FILES)
    return sum(1 for path in paths if path is not None for _ in numbered_lines(path))
