"""A file of a data set, plain or compressed, read line by line.

Only one line at a time is kept in memory.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from usagectl.errors import UnreadableFile

MAX_LINE_BYTES: Final = 1_048_576
"""The most bytes that are read of a line: far more than any usable payload has."""


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields each line with its number, from 1.

    If a line is longer than ``MAX_LINE_BYTES``, only its first ``MAX_LINE_BYTES + 1`` bytes are
    yielded.

    Raises:
        UnreadableFile: the file can't be read, or not to its end.
    """
    open_file = gzip.open if path.suffix == ".gz" else Path.open
    with read_errors_as_unreadable(path), open_file(path, "rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            yield number, line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)


@contextmanager
def read_errors_as_unreadable(path: Path) -> Iterator[None]:
    """Turns errors of reading ``path`` into ``UnreadableFile``."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"{path}: {reason}") from None
