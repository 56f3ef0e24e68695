"""Parts of a gzip file that are compressed by themselves are one file."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

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
