"""How large a row is in an answer, and how large it may be so that a full page can be returned.

Lambda returns at most 6,291,556 bytes, and a page has up to a hundred rows. What counts is not how
long a text is but how many bytes it takes on the way. The proxy response is JSON inside JSON:

    a letter         a quote, a backslash      line feed      other control characters     é    中
    1 byte           4 bytes                   3              7                            2    3

The function's JSON (orjson) and the runtime's around it (``awslambdaric`` on Python 3.13) both
leave what isn't ASCII as it is. A link contains its key or its slug percent-encoded, three bytes
for each byte, and a URL is shown as output and as link. A direct invocation's answer is JSON once,
and never larger.

So a row is measured as what it becomes: its item of the answer, encoded as on the way.
"""

import json
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from workspace_usage.listing.answer import MAX_PER_PAGE, to_item
from workspace_usage.rows.row import Row

MAX_RESPONSE_BYTES: Final = 6_291_556
"""The most that Lambda returns, in bytes."""

ENVELOPE_BYTES: Final = 10_000
"""Room for all of a response but its rows: status, headers, and the body's other fields.

They take less than a thousand bytes today.
"""

MAX_ROW_BYTES: Final = (MAX_RESPONSE_BYTES - ENVELOPE_BYTES) // MAX_PER_PAGE
"""The most that one row may take of a response."""

SIGNED_LINK_BYTES: Final = 4_096
"""Room for all of a signed link but its key.

That is the host with a bucket's name of up to 63 bytes, the credential, the signature, and above
all the session token: some 1,500 bytes today, for which AWS states no limit.
"""

MAX_EMPTY_ROW_BYTES: Final = 1_000
"""More than a row takes whose texts are empty: names of fields, fixed texts, longest numbers."""

_MOST_BYTES_A_CHARACTER: Final = 16
"""What no character exceeds: an emoji of a key takes 4 bytes as output, and 12 in its link."""


def fits_a_page(row: Row) -> bool:
    """Whether a hundred rows of this size can be returned at once."""
    return _most_bytes(row) <= MAX_ROW_BYTES or response_bytes(row) <= MAX_ROW_BYTES


def response_bytes(row: Row) -> int:
    """Returns how many bytes ``row`` takes of a proxy response, with the comma behind it."""
    text = json.dumps(
        to_item(row, _longest_link), ensure_ascii=False, separators=(",", ":"), default=_plain
    )
    # Once more into a JSON text: there are no other characters in it to be escaped.
    return len(text.encode()) + text.count('"') + text.count("\\") + len(",")


def _most_bytes(row: Row) -> int:
    """An upper bound of ``response_bytes`` that takes no encoding: most rows are far smaller."""
    texts = (
        row.user_email,
        row.agent_type,
        row.agent_title,
        row.agent_slug,
        row.output,
        row.execution_origin,
        row.used_model,
    )
    characters = sum(len(text) for text in texts if text)
    return characters * _MOST_BYTES_A_CHARACTER + SIGNED_LINK_BYTES + MAX_EMPTY_ROW_BYTES


def _longest_link(key: str) -> str:
    return "x" * SIGNED_LINK_BYTES + quote(key, safe="/~")


def _plain(number: Decimal) -> str:
    # As a text: its quotes make a row four bytes larger than it is.
    return f"{number:f}"
