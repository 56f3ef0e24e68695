"""One gzip file that is written in parts, each by itself, perhaps by different processes.

A part is compressed without what comes before it, and ends at a byte. So the parts together are one
stream (RFC 1951), as ``pigz`` makes it. A file of several gzip members would be easier to write,
but not every reader reads more than the first one. Between parts only the checksum and the length
of the text have to be kept.
"""

import zlib
from typing import Final

_LEVEL: Final = 6
_RAW: Final = -zlib.MAX_WBITS

# RFC 1952, 2.3: the method is deflate; no flags, no time, so that the same text is the same file.
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class GzipPart:
    """A part of a gzip file.

    Args:
        checksum: the CRC-32 of the text in the parts before this one.
        length: its length in bytes.
        is_first: whether it is the first part.

    Attributes:
        checksum: the CRC-32 of the text, that of this part included.
        length: the length of the text in bytes, that of this part included.
    """

    def __init__(self, checksum: int, length: int, *, is_first: bool) -> None:
        self.checksum = checksum
        self.length = length
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        self._content = bytearray(_HEADER if is_first else b"")

    def __len__(self) -> int:
        """Returns how many bytes of the file are complete; some more may still be to come."""
        return len(self._content)

    def write(self, text: bytes) -> None:
        """Adds text."""
        self.checksum = zlib.crc32(text, self.checksum)
        self.length += len(text)
        self._content += self._compressor.compress(text)

    def end(self, *, is_last: bool) -> bytes:
        """Returns the part's bytes; with the last part, the file is complete."""
        self._content += self._compressor.flush(zlib.Z_FINISH if is_last else zlib.Z_FULL_FLUSH)
        if is_last:
            self._content += self.checksum.to_bytes(4, "little")
            self._content += (self.length % 2**32).to_bytes(4, "little")
        return bytes(self._content)
