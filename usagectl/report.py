"""The report of what an import could not use, as durable as the checkpoint that counts on it.

One entry is one line of text::

    executions.ndjson:17: is not JSON (character 30) | {"id": 12, "workspace_id": 11, }

It begins with the file, so that the entries of one file can be taken out when that is read again.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from zlib import crc32

MAX_BEGINNING: Final = 120
"""The most characters that are shown of a line that can't be used."""

REPORT_FILE: Final = ".rejected.txt"
"""The report's name, in the folder of the data set, unless another one is given."""


def visible(text: str | bytes, max_length: int | None = None) -> str:
    """Returns ``text`` on one line: what can't be printed, or is not UTF-8, is escaped.

    Of a text with more than ``max_length`` characters, the beginning is returned.
    """
    if isinstance(text, bytes):
        # No character has more than four bytes.
        text = (text if max_length is None else text[: 4 * max_length]).decode(
            "utf-8", "surrogateescape"
        )
    escaped = "".join(c if c.isprintable() else _escape(c) for c in text)
    if max_length is None or len(escaped) <= max_length:
        return escaped
    return f"{escaped[: max_length - 1]}…"


def _escape(character: str) -> str:
    # A byte that is not UTF-8, in a file's name too, is half of a surrogate pair to Python.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


@dataclass(frozen=True, slots=True)
class Mark:
    """The beginning of a report that was on disk at some moment: its bytes, and their CRC-32."""

    length: int = 0
    checksum: int = 0


NOTHING: Final = Mark()
"""The beginning of every report."""


class Report:
    """A report in a file. There is no file while there is nothing to report.

    Args:
        path: the file. ``cut`` comes first: it says how much of an earlier report stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._written = NOTHING

    def add(self, entry: object) -> None:
        """Writes one entry, its text on one line.

        Raises:
            OSError: the file can't be written.
        """
        line = f"{visible(str(entry))}\n".encode()
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(line)
        written = self._written
        self._written = Mark(written.length + len(line), crc32(line, written.checksum))

    def sync(self) -> Mark:
        """Returns how much there is by now, once the disk has it.

        Raises:
            OSError: the file can't be written.
        """
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._written

    def cut(self, mark: Mark = NOTHING) -> bool:
        """Leaves of the file what ``mark`` covers, and continues there.

        False: the file no longer begins with that, or is gone; then nothing of it is left.

        Raises:
            OSError: the file can't be read or written.
        """
        self.close()
        try:
            with self.path.open("r+b") as file:
                is_there = crc32(file.read(mark.length)) == mark.checksum
                is_there = is_there and file.tell() == mark.length
                file.truncate(mark.length if is_there else 0)
        except FileNotFoundError:
            is_there = not mark.length
        self._written = mark if is_there else NOTHING
        if not self._written.length:
            self.path.unlink(missing_ok=True)
        return is_there

    def remove(self, part: str) -> None:
        """Takes out the entries of a file, plain or compressed, or of a folder.

        Raises:
            OSError: the file can't be read or written.
        """
        self.close()
        if not self._written.length:
            return
        entry = re.compile(rf"{re.escape(part)}(?:\.gz)?[:/]".encode())
        new = self.path.with_name(f"{self.path.name}.new")
        self._written = NOTHING
        with self.path.open("rb") as old, new.open("wb") as kept:
            for line in old:
                if not entry.match(line):
                    kept.write(line)
                    written = self._written
                    self._written = Mark(written.length + len(line), crc32(line, written.checksum))
            kept.flush()
            os.fsync(kept.fileno())
        new.replace(self.path)

    def close(self) -> None:
        """Closes the file; ``add`` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
