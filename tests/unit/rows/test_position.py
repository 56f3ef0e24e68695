"""The sort key's order is the contract's order, and each position has exactly one cursor."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import positions
from workspace_usage.rows.position import Position, decode_cursor, encode_cursor, just_after
from workspace_usage.values import MAX_ID, format_timestamp, parse_timestamp


@given(positions(), positions())
def test_sort_keys_compare_as_created_at_then_rank_then_id(a: Position, b: Position) -> None:
    assert (a.sort_key < b.sort_key) == (
        (parse_timestamp(a.created_at), a.rank, a.id)
        < (parse_timestamp(b.created_at), b.rank, b.id)
    )


def test_each_part_of_a_sort_key_has_a_fixed_width() -> None:
    position = Position("2026-01-05T19:35:21.000000Z", 1, 42)
    assert position.sort_key == "2026-01-05T19:35:21.000000Z#1#00000000000000000042"


@given(positions())
def test_a_sort_key_gives_back_its_position(position: Position) -> None:
    assert Position.from_sort_key(position.sort_key) == position


@given(positions(), positions())
def test_just_before_excludes_the_position_and_includes_all_below(a: Position, b: Position) -> None:
    assert (b.sort_key <= a.just_before) == (b < a)


@given(positions(), positions())
def test_just_after_excludes_the_position_and_includes_all_above(a: Position, b: Position) -> None:
    assert (b.sort_key >= just_after(a.sort_key)) == (b > a)


@given(positions())
def test_a_cursor_gives_back_its_position_and_is_url_safe(position: Position) -> None:
    cursor = encode_cursor(position)
    assert decode_cursor(cursor) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=120))
def test_any_other_text_is_a_value_error(text: str) -> None:
    try:
        position = decode_cursor(text)
    except ValueError:
        return
    assert encode_cursor(position) == text


def base64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "a",
        base64("2026-01-05T19:35:21.000000Z#0"),
        base64("2026-01-05T19:35:21.000000Z#0#042"),
        base64("2026-01-05T19:35:21.000000Z#2#42"),
        base64("2026-02-30T19:35:21.000000Z#0#42"),
        base64("2026-01-05T19:35:21Z#0#42"),
        base64("2026-01-05T19:35:21.000000Z#0#-1"),
        base64("2026-01-05T19:35:21.000000Z#0#٤٢"),
        base64(f"2026-01-05T19:35:21.000000Z#0#{MAX_ID + 1}"),
        base64("2026-01-05T19:35:21.000000Z#0#42#1"),
        base64("2026-01-05T19:35:21.000000Z#0#42") + "=",
        urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_forged_cursor_is_a_value_error(cursor: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  nobody reads the message
        decode_cursor(cursor)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T19:35:21Z",
        "2026-01-05 19:35:21.000000Z",
        "2026-01-05T19:35:21.000000+00:00",
        "2026-02-29T00:00:00.000000Z",
        "2026-01-05T24:00:00.000000Z",
        "٢٠٢٦-01-05T19:35:21.000000Z",
        "2026-01-05T19:35:21.000000Z\n",
    ],
)
def test_a_timestamp_has_exactly_one_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_gives_back_its_moment(moment: datetime) -> None:
    assert parse_timestamp(format_timestamp(moment)) == moment
