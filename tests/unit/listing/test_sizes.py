"""No row takes more bytes of a response than are counted for it, and few less."""

from copy import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from local.functions.worker import serialize
from tests.support.strategies import stored_rows
from workspace_usage.aws.credentials import Credentials
from workspace_usage.listing.answer import MAX_PER_PAGE, to_item
from workspace_usage.listing.presigning import Bucket, UrlPresigner
from workspace_usage.listing.sizes import (
    ENVELOPE_BYTES,
    MAX_EMPTY_ROW_BYTES,
    MAX_RESPONSE_BYTES,
    MAX_ROW_BYTES,
    PRESIGNED_URL_BYTES,
    fits_a_page,
    response_bytes,
)
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import MEDIA_TYPES, Row, Source, Tokens
from workspace_usage.values import MAX_ID

PRESIGNER = UrlPresigner(
    Bucket("b" * 63, "ap-southeast-2"),
    Credentials("A" * 128, "secret", "IQoJb3JpZ2luX2VjE/+=" * 100),
    datetime(2026, 1, 5, tzinfo=UTC),
    43_200,
)
"""Presigns with the longest name of a bucket, and a session token of 2,000 bytes."""

ALPHABETS = ('"', "\\", "\n", "\x01", "\x7f", "é", "中", "😀", "\u2028", "%", " ", "/", "a")


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Rows with texts of characters that take more than one byte on the way, and URLs."""
    row = draw(stored_rows())
    words = st.text(st.sampled_from(ALPHABETS), max_size=30)
    outputs = st.none() | words | words.map("https://example.com/{}".format)
    has_output = row.source is Source.CURRENT and row.agent_type in MEDIA_TYPES
    return row._replace(
        agent_title=draw(words),
        agent_slug=draw(words),
        user_email=draw(words),
        output=draw(outputs) if has_output else row.output,
    )


def exact(value: Any) -> orjson.Fragment:
    return orjson.Fragment(f"{value:f}")


@settings(max_examples=50)
@given(rows())
def test_no_row_takes_more_bytes_than_are_counted(row: Row) -> None:
    """Neither in a proxy response, which is JSON inside JSON, nor in a direct invocation's."""
    item = to_item(row, PRESIGNER.presign)
    within = orjson.dumps(item, default=exact).decode()
    proxy = len(serialize(f"{within},").encode()) - len('""')
    direct = len(serialize(item).encode()) + len(", ")
    assert max(proxy, direct) <= response_bytes(row)
    # Few bytes too many: room for the URL's session token, and quotes around a number.
    room = PRESIGNED_URL_BYTES if "X-Amz-Signature=" in (item["link"] or "") else 0
    assert response_bytes(row) <= proxy + room + 4


@settings(max_examples=30)
@given(rows(), st.sampled_from(ALPHABETS), st.integers(3_000, 63_000))
def test_a_row_fits_exactly_if_its_bytes_do(row: Row, letter: str, length: int) -> None:
    """Most rows are so small that nothing is encoded; no row that is too large is among them."""
    text = letter * length
    names = [name for name, kind in Row.__annotations__.items() if kind in (str, str | None)]
    for name in names:
        long = replace(row, **{name: text})  # type: ignore[arg-type]
        assert fits_a_page(long) == (response_bytes(long) <= MAX_ROW_BYTES)


def test_a_row_with_empty_texts_is_as_small_as_is_said() -> None:
    """Names of fields, fixed texts, and numbers of the most digits; current or edited."""
    for source, kind in ((Source.CURRENT, "chat"), (Source.EDITED, "chat"), (Source.CURRENT, "")):
        fields: dict[str, Any] = {
            "source": source,
            "workspace_id": MAX_ID,
            "position": Position("2026-01-05T19:35:21.000000Z", source.rank, MAX_ID),
            "user_id": MAX_ID,
            "user_email": "",
            "agent_type": kind,
            "agent_title": "",
            "agent_slug": "",
            "status": "succeeded",
            "credits": Decimal(f"-{'1' * 38}E-167"),
            "output": None,
            "root_id": MAX_ID,
            "execution_origin": "",
            "used_model": "",
            "tokens": Tokens(MAX_ID, MAX_ID, MAX_ID),
        }
        assert fields.keys() == set(Row._fields), "a new field needs its largest value here"
        assert response_bytes(Row(**fields)) < MAX_EMPTY_ROW_BYTES


def test_a_full_page_of_the_largest_rows_is_within_lambda_s_limit() -> None:
    """Lambda returns 6 MiB and a little more; rows may use nearly all of it."""
    limit = 6 * 2**20
    page = MAX_PER_PAGE * MAX_ROW_BYTES
    assert 0.99 * limit < page < page + ENVELOPE_BYTES <= MAX_RESPONSE_BYTES < 1.001 * limit
    assert ENVELOPE_BYTES > 1_000


def test_a_presigned_url_fits_the_room_for_all_but_its_key() -> None:
    """And there is not so much room that rows of medium size would be refused for nothing."""
    assert len(PRESIGNER.presign("")) <= PRESIGNED_URL_BYTES < MAX_ROW_BYTES / 10
