"""Parts of a gzip file that are compressed by themselves are one file."""

import gzip
import zlib
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.exporting.exporter import PART_BYTES
from workspace_usage.exporting.gzip_stream import GzipPart

texts = st.lists(st.lists(st.binary(max_size=300), max_size=3), min_size=1, max_size=4)


@given(texts)
def test_the_parts_together_are_one_member(parts: list[list[bytes]]) -> None:
    """A reader that stops after the first member gets everything, and nothing is left."""
    content, checksum, length = b"", 0, 0
    for number, pieces in enumerate(parts, 1):
        part = GzipPart(checksum, length, is_first=number == 1)
        for piece in pieces:
            part.write(piece)
        content += part.end(is_last=number == len(parts))
        checksum, length = part.checksum, part.length
    expected = b"".join(piece for pieces in parts for piece in pieces)
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(content) == expected
    assert (reader.eof, reader.unused_data) == (True, b"")
    assert gzip.decompress(content) == expected


def test_the_same_text_is_the_same_file() -> None:
    """It says nothing of when or where it was written: a part that is written again is the same."""
    first, second = GzipPart(0, 0, is_first=True), GzipPart(0, 0, is_first=True)
    for part in (first, second):
        part.write(b"a,b\r\n" * 1_000)
    assert first.end(is_last=True) == second.end(is_last=True)


def test_a_text_of_more_than_four_gigabytes_has_the_length_that_readers_expect() -> None:
    """It is written modulo 2^32 (RFC 1952)."""
    part = GzipPart(0, 2**32 - 1, is_first=False)
    part.write(b"ab")
    assert part.length == 2**32 + 1
    assert part.end(is_last=True)[-4:] == bytes([1, 0, 0, 0])


def test_a_part_tells_when_it_is_long_enough() -> None:
    """It need not count every byte, but never counts one that is not there."""
    part = GzipPart(0, 0, is_first=True)
    for number in range(20_000):
        part.write(sha256(str(number).encode()).digest())
    counted = len(part)
    assert 600_000 < counted <= len(part.end(is_last=True))


def test_parts_are_as_long_as_s3_requires() -> None:
    """And short enough for the function's memory and for an upload within its time."""
    assert 5 * 2**20 <= PART_BYTES <= 16 * 2**20
