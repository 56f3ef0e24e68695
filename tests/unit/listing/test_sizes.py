"""A row's measure is what it takes of a response: of the function's JSON within the runtime's."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from local.functions.worker import serialize
from tests.support.strategies import stored_rows
from workspace_usage.aws.credentials import Credentials
from workspace_usage.listing.answer import answer_item
from workspace_usage.listing.links import Bucket, LinkSigner
from workspace_usage.listing.query import MAX_PER_PAGE
from workspace_usage.listing.sizes import (
    ENVELOPE_BYTES,
    MAX_ROW_BYTES,
    MAX_ROWS,
    PLAIN_BYTES,
    RESPONSE_BYTES,
    SIGNED_LINK_BYTES,
    fits_a_page,
    sent_bytes,
)
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import MEDIA_TYPES, Row, Source, Tokens
from workspace_usage.values import MAX_ID

SIGNER = LinkSigner(
    Bucket("b" * 63, "ap-southeast-2"),
    Credentials("A" * 128, "secret", "IQoJb3JpZ2luX2VjE/+=" * 100),
    datetime(2026, 1, 5, tzinfo=UTC),
    43_200,
)
"""Signs links with the longest name of a bucket, and a session token of 2,000 bytes."""

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


@given(rows())
def test_no_row_takes_more_than_its_measure(row: Row) -> None:
    """Neither of a proxy response, which is JSON within JSON, nor of a direct answer."""
    item = answer_item(row, SIGNER.link)
    within = orjson.dumps(item, default=exact).decode()
    proxy = len(serialize(f"{within},").encode()) - len('""')
    direct = len(serialize(item).encode()) + len(", ")
    assert max(proxy, direct) <= sent_bytes(row)
    # And little is given away: room for the link's session token, and the quotes of a number.
    assert sent_bytes(row) <= proxy + SIGNED_LINK_BYTES + 4


@given(rows(), st.sampled_from(ALPHABETS), st.integers(3_000, 63_000))
def test_a_row_fits_by_its_measure_however_it_is_found_out(
    row: Row, letter: str, length: int
) -> None:
    """Most rows are too small to be measured; none that is too large is among them."""
    text = letter * length
    for long in (
        row._replace(user_email=text),
        row._replace(agent_title=text),
        row._replace(agent_slug=text),
        row._replace(agent_type=text),
        row._replace(used_model=text),
        row._replace(execution_origin=text),
    ):
        assert fits_a_page(long) == (sent_bytes(long) <= MAX_ROW_BYTES)


def test_a_row_without_texts_is_as_small_as_is_said() -> None:
    """Names of fields, fixed texts, and numbers of the most digits; current or edited."""
    for source, kind in ((Source.CURRENT, "chat"), (Source.EDITED, "chat"), (Source.CURRENT, "")):
        row = Row(
            source=source,
            workspace_id=MAX_ID,
            position=Position("2026-01-05T19:35:21.000000Z", source.rank, MAX_ID),
            user_id=MAX_ID,
            user_email="",
            agent_type=kind,
            agent_title="",
            agent_slug="",
            status="succeeded",
            credits=Decimal(f"-{'1' * 38}E-167"),
            root_id=MAX_ID,
            execution_origin="",
            used_model="",
            tokens=Tokens(MAX_ID, MAX_ID, MAX_ID),
        )
        assert sent_bytes(row) < PLAIN_BYTES


def test_a_full_page_of_the_largest_rows_is_within_lambda_s_limit() -> None:
    assert MAX_ROWS == MAX_PER_PAGE
    assert MAX_ROWS * MAX_ROW_BYTES + ENVELOPE_BYTES <= RESPONSE_BYTES


def test_no_signed_link_takes_more_beside_its_key_than_is_said() -> None:
    assert len(SIGNER.link("")) <= SIGNED_LINK_BYTES
