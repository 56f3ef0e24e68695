"""The report of what an import could not use. It is as durable as the checkpoint that relies on it.

Each entry is one line of text::

    executions.ndjson:17: is not JSON (character 30) | {"id": 12, "workspace_id": 11, }

It begins with the file, so that the entries of a file can be taken out when it is read again.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from zlib import crc32

from usagectl.data_set.folder import data_set_names
from usagectl.data_set.rejections import Rejection

REPORT_FILE: Final = ".rejected.txt"
"""The report's name, in the folder of the data set, unless another one is given."""


@dataclass(frozen=True, slots=True)
class SavedLength:
    """The part of a report that was on disk at some moment: its beginning.

    Attributes:
        length: its length in bytes.
        checksum: the CRC-32 of these bytes.
    """

    length: int = 0
    checksum: int = 0

    def extended(self, line: bytes) -> "SavedLength":
        """Returns the length and checksum with one more line."""
        return SavedLength(self.length + len(line), crc32(line, self.checksum))


def may_be_report(path: Path) -> bool:
    """Returns whether a file can be a report: an import wrote it, or it is empty or not there.

    Raises:
        OSError: the file can't be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(100)
    except FileNotFoundError:
        return True
    names = tuple(name.encode() for name in data_set_names())
    return not beginning or beginning.startswith(names)


class RejectionReport:
    """A report in a file. There is no file while there is nothing to report.

    Args:
        path: the file. Call ``truncate`` first: it says how much of an earlier report stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._saved = SavedLength()

    def add(self, rejection: Rejection) -> None:
        """Writes one entry.

        Raises:
            OSError: the file can't be written.
        """
        line = f"{rejection.entry}\n".encode()
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(line)
        self._saved = self._saved.extended(line)

    def sync(self) -> SavedLength:
        """Makes the disk keep what was written. Returns how much that is.

        Raises:
            OSError: the file can't be written.
        """
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._saved

    def truncate(self, saved: SavedLength | None = None) -> bool:
        """Keeps of the file what was saved, and continues after it.

        Returns False, and keeps nothing, if the file no longer begins with that or is gone.

        Args:
            saved: what to keep; nothing if it isn't given.

        Raises:
            OSError: the file can't be read or written.
        """
        self.close()
        saved = saved or SavedLength()
        try:
            with self.path.open("r+b") as file:
                content = file.read(saved.length)
                is_same = len(content) == saved.length and crc32(content) == saved.checksum
                file.truncate(saved.length if is_same else 0)
        except FileNotFoundError:
            is_same = not saved.length
        self._saved = saved if is_same else SavedLength()
        if not self._saved.length:
            self.path.unlink(missing_ok=True)
        return is_same

    def remove(self, file_name: str) -> None:
        """Takes out the entries of a file, plain or compressed, or of the media folder.

        Raises:
            OSError: the report can't be read or written.
        """
        self.close()
        if not self._saved.length:
            return
        entry = re.compile(rf"{re.escape(file_name)}(?:\.gz)?[:/]".encode())
        with self.path.open("rb") as old:
            self._replace(line for line in old if not entry.match(line))

    def close(self) -> None:
        """Closes the file; ``add`` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _replace(self, lines: Iterable[bytes]) -> None:
        """Replaces the file by one with these lines, in one step."""
        new = self.path.with_name(f"{self.path.name}.new")
        saved = SavedLength()
        with new.open("wb") as file:
            for line in lines:
                file.write(line)
                saved = saved.extended(line)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        self._saved = saved

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
