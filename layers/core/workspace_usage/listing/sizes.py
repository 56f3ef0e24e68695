"""How many bytes a row takes of a response, and how many it may take so that a full page fits.

Lambda returns at most 6,291,556 bytes, and a page has up to a hundred rows. What counts is not how
long a text is but how many bytes it takes once it is encoded. The proxy response is JSON inside
JSON:

    a letter         a quote, a backslash      line feed      other control characters     é    中
    1 byte           4 bytes                   3              7                            2    3

The function's JSON (orjson) and the runtime's around it (``awslambdaric`` on Python 3.13) both
leave what isn't ASCII as it is. A link contains its key or its slug percent-encoded, three bytes
for each byte, and a URL is both the output and the link. The answer to a direct invocation is
encoded once, and never larger.

So a row is made an item of the answer and encoded in the same way, and the bytes are counted.
"""

import json
from typing import Final
from urllib.parse import quote

from workspace_usage.listing.answer import MAX_PER_PAGE, plain_number, to_item
from workspace_usage.rows.row import Row

MAX_RESPONSE_BYTES: Final = 6_291_556
"""The largest response that Lambda returns, in bytes."""

ENVELOPE_BYTES: Final = 10_000
"""Room for everything in a response except its rows: status, headers, the body's other fields.

All of that takes less than a thousand bytes today.
"""

MAX_ROW_BYTES: Final = (MAX_RESPONSE_BYTES - ENVELOPE_BYTES) // MAX_PER_PAGE
"""The most bytes of a response that one row may take."""

PRESIGNED_URL_BYTES: Final = 4_096
"""Room for everything in a presigned URL except its key.

That is the host with a bucket's name of up to 63 bytes, the credential, the signature, and the
session token. The token takes most of it: some 1,500 bytes today, and AWS states no limit.
"""

MAX_EMPTY_ROW_BYTES: Final = 1_000
"""More bytes than a row with empty texts takes: names of fields, fixed texts, longest numbers."""

_MAX_BYTES_PER_CHARACTER: Final = 16
"""No character takes more bytes: an emoji in a key takes 4 in the output and 12 in the link."""


def fits_a_page(row: Row) -> bool:
    """Returns whether a hundred rows of this size fit into one response."""
    return _upper_bound(row) <= MAX_ROW_BYTES or response_bytes(row) <= MAX_ROW_BYTES


def response_bytes(row: Row) -> int:
    """Returns how many bytes ``row`` takes of a proxy response, with the comma behind it.

    The number can be too high: it counts the longest presigned URL, and quotes around ``credits``.
    """
    item = to_item(row, _longest_url)
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"), default=plain_number)
    return encoded_bytes(text) + len(",")


def encoded_bytes(text: str) -> int:
    """Returns how many bytes a part of a body, as JSON, takes of a proxy response."""
    # The runtime encodes this JSON again; only quotes and backslashes are escaped then.
    return len(text.encode()) + text.count('"') + text.count("\\")


def _upper_bound(row: Row) -> int:
    """Returns a bound that ``response_bytes`` never exceeds, without encoding the row.

    By this bound alone, most rows are small enough.
    """
    characters = sum(len(value) for value in row if isinstance(value, str))
    return characters * _MAX_BYTES_PER_CHARACTER + PRESIGNED_URL_BYTES + MAX_EMPTY_ROW_BYTES


def _longest_url(key: str) -> str:
    return "x" * PRESIGNED_URL_BYTES + quote(key, safe="/~")
