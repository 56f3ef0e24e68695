"""Values from outside are parsed strictly, and the only error is one with a reason."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import any_text
from workspace_usage.values import (
    MAX_ID,
    MAX_REASON_BYTES,
    InvalidValue,
    parse_date,
    parse_decimal,
    parse_id,
    parse_json,
    shorten,
    trim,
)


@given(st.binary() | st.text())
def test_any_input_is_json_or_invalid_with_a_short_reason(text: bytes | str) -> None:
    reason = "valid"
    try:
        parse_json(text)
    except InvalidValue as error:
        reason = str(error)
    assert 0 < len(reason.encode()) <= MAX_REASON_BYTES


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"note":1e99999999999999999999}', "contains a number that is out of range"),
        (b"[" + b"1" * 5_000 + b"]", "contains a number that is out of range"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'"\xff"', "is not UTF-8"),
        (b'{"a": 1,}', "is not JSON (character 8)"),
        (b"NaN", "is not JSON: NaN is not a number there"),
        ("", "is not JSON (character 1)"),
    ],
)
def test_the_reason_says_what_is_wrong(text: bytes | str, reason: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_json(text)
    assert str(caught.value) == reason


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers())
def test_numbers_keep_their_digits(number: Decimal | int) -> None:
    parsed = parse_json(f"[{number}]")
    assert isinstance(parsed, list)
    assert str(parsed[0]) == str(number)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_decimal_is_parsed_from_its_text(number: Decimal) -> None:
    assert str(parse_decimal(str(number))) == str(number)


@pytest.mark.parametrize(
    "text", ["1_000", " 7 ", "7\n", "１２.５", "١٢", "NaN", "-", ".", "1e", ""]
)
def test_what_only_python_takes_for_a_number_is_invalid(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text", ["20250105", "2025-W02-3", "2026-1-1", "2026-02-30", "2026-01-01\n", "٢٠٢٦-01-01", ""]
)
def test_what_only_python_takes_for_a_date_is_invalid(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_date(text)


def test_a_date_is_parsed() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)


def test_white_space_is_what_laravel_removes() -> None:
    around = "\0\t\n\v\f\r \x85\xa0\u1680\u2003\u200b\u2028\u202f\u205f\u3000\ufeff"
    assert trim(f"{around}a\xa0b{around}") == "a\xa0b"
    assert trim(around) == ""
    # Python's own strip() removes the information separators; Laravel does not.
    assert trim("\x1ca") == "\x1ca"


@given(st.text(), st.integers(min_value=3, max_value=40))
def test_a_text_is_cut_between_two_characters(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or short.endswith("…")
    assert text.startswith(short.removesuffix("…"))


@given(st.integers(1, MAX_ID))
def test_an_id_is_parsed_from_its_digits(number: int) -> None:
    assert parse_id(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "011",
        "+11",
        "1.5",
        "1e3",
        "1_000",
        "abc",
        " 11",
        "11 ",
        "11\n",
        "\u0661\u0661",
        "¹",
        "None",
        "0x1",
        str(MAX_ID + 1),
        "9" * 19,
        "1" * 20,
        "\ud800",
        None,
    ],
)
def test_another_form_is_not_an_id(text: str | None) -> None:
    assert parse_id(text) is None


@given(any_text())
@example("9" * 100_000)
def test_parsing_an_id_never_fails(text: str) -> None:
    number = parse_id(text)
    assert number is None or (str(number) == text and 1 <= number <= MAX_ID)
