"""Prepares the rows of a data set for DynamoDB's import from S3.

Every line is checked and reported as an import does it. Each table gets a folder of compressed
files in DynamoDB JSON, which DynamoDB makes a new table of. Tokens, members, the setting and media
are not part of that: they are imported as usual.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from usagectl.data_set.checking import LineChecker
from usagectl.data_set.payload_files import PAYLOAD_FILES, PayloadFile, find_file
from usagectl.loading.checkpoint import PartProgress
from usagectl.loading.process_lines import Reject, process_lines
from usagectl.preparing.buckets import Buckets
from usagectl.progress import Advance

WORKSPACES_FILE: Final = "workspaces.txt"
"""The file that names the workspaces and how many lines each has, most lines first."""

_GZIP_RATIO: Final = 12
"""How much larger a compressed file is once it is read, at most about."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a data set.

    Attributes:
        written: how many rows were written, by file.
        replaced: how many lines had the key of a later line of their file, which was written.
        rejected: how many lines can't be used.
    """

    written: dict[str, int]
    replaced: int
    rejected: int


def prepare(folder: Path, output: Path, advance: Advance, reject: Reject) -> Prepared:
    """Writes the files for all rows of the data set in ``folder``.

    Args:
        folder: the data set's folder.
        output: where to write; it must be empty, or not be there.
        advance: is told of lines that are done.
        reject: is told of each line that can't be used.

    Raises:
        UnreadableFile: a file can't be read, or not to its end.
        LoadError: a process that checks lines has ended.
        OSError: a file can't be written.
    """
    output.mkdir(parents=True, exist_ok=True)
    workspaces = Counter[int]()
    written: dict[str, int] = {}
    usable = rejected = 0
    with LineChecker() as checker:
        for file, path in files_to_prepare(folder):
            buckets = Buckets(output / file.table, _size(path))
            lines, start = checker.read(path, file), PartProgress()
            progress = process_lines(lines, start, buckets.put, advance=advance, reject=reject)
            written[file.name] = buckets.finish()
            workspaces += buckets.workspaces
            usable += progress.loaded
            rejected += progress.rejected
    _write_workspaces(output / WORKSPACES_FILE, workspaces)
    return Prepared(written, usable - sum(written.values()), rejected)


def files_to_prepare(folder: Path) -> Iterator[tuple[PayloadFile, Path]]:
    """Yields the files of a data set that are prepared.

    Raises:
        UnreadableFile: a file is there twice, plain and compressed.
    """
    for file in PAYLOAD_FILES:
        path = None if file.is_access else find_file(folder, file)
        if path is not None:
            yield file, path


def _size(path: Path) -> int:
    """Returns how many bytes a file has about, once it is read."""
    size = path.stat().st_size
    return size * _GZIP_RATIO if path.suffix == ".gz" else size


def _write_workspaces(path: Path, workspaces: Counter[int]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for workspace_id, lines in workspaces.most_common():
            file.write(f"{workspace_id} {lines}\n")
