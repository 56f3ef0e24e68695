"""Sorts rows into files by a hash of their key, so that the last of two with the same key stays.

DynamoDB's import from S3 writes items of the same key in any order. So each key may be there only
once. All rows of a key are in the same bucket, in the order in which they came. A bucket is small
enough to be read into memory, so there may be any number of rows.
"""

import gzip
from collections import Counter
from pathlib import Path
from typing import Final
from zlib import crc32

from usagectl.data_set.encoded_items import EncodedItem
from usagectl.late_writes import RowKey

BUCKET_BYTES: Final = 64 * 1024 * 1024
"""How large a bucket becomes, if the rows take as many bytes as they did in the data set."""

_BUFFER_BYTES: Final = 32 * 1024
"""What a bucket keeps in memory before it writes."""


class Buckets:
    """Buckets of one table's rows.

    Args:
        folder: where their files are written. It is made here.
        size: how many bytes the rows will have, about.

    Attributes:
        workspaces: how many rows of each workspace were put.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir()
        self.workspaces = Counter[int]()
        number = 1 + size // BUCKET_BYTES
        self._buckets = [_Bucket(folder / f"{index:05}.json.gz") for index in range(number)]

    def put(self, row: EncodedItem) -> None:
        """Takes a row.

        Raises:
            OSError: it can't be written.
        """
        self._buckets[crc32(row.key.encode()) % len(self._buckets)].put(row)
        self.workspaces[RowKey.parse(row.key).workspace_id] += 1

    def finish(self) -> int:
        """Writes the final files. Returns how many rows they have.

        Raises:
            OSError: a file can't be written.
        """
        return sum(bucket.finish() for bucket in self._buckets)


class _Bucket:
    """One bucket. Until ``finish``, each line of its file has a row's key, a tab, and the row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.part")
        self._buffer = bytearray()

    def put(self, row: EncodedItem) -> None:
        self._buffer += b"%b\t%b\n" % (row.key.encode(), row.content)
        if len(self._buffer) >= _BUFFER_BYTES:
            self._write()

    def _write(self) -> None:
        # The file is opened each time: a process may have only some hundred open files.
        with self._unfinished.open("ab") as file:
            file.write(self._buffer)
        self._buffer.clear()

    def finish(self) -> int:
        self._write()
        with self._unfinished.open("rb") as file:
            rows = dict(line.rstrip(b"\n").split(b"\t", 1) for line in file)
        if rows:
            with gzip.open(self._path, "wb", compresslevel=6) as compressed:
                # In the order of hashes: rows of one workspace that are sorted by time would all
                # be written to the same partition of the table.
                for key in sorted(rows, key=crc32):
                    compressed.write(b'{"Item":%b}\n' % rows[key])
        self._unfinished.unlink()
        return len(rows)
