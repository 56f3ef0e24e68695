"""Answers are JSON that any parser reads, and no number in them loses a digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.strategies import credit_amounts, plain_text
from workspace_usage.listing.encoding import to_json

# Sums of tokens may have more than 64 bits, which orjson alone refuses.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | credit_amounts() | plain_text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text(), inner, max_size=4),
    max_leaves=8,
)


def same(value: Any, parsed: Any) -> bool:
    """Whether a value was parsed as what it was; a decimal may be written as an integer."""
    match value:
        case dict():
            keys_are_same = list(value) == list(parsed)
            return keys_are_same and all(same(value[name], parsed[name]) for name in value)
        case list():
            return len(value) == len(parsed) and all(map(same, value, parsed))
        case Decimal():
            return not isinstance(parsed, bool) and value == parsed
    return type(value) is type(parsed) and value == parsed


@settings(max_examples=60)
@given(VALUES)
def test_a_value_is_read_as_it_was(value: Any) -> None:
    assert same(value, json.loads(to_json(value), parse_float=Decimal))


def test_a_large_number_changes_nothing_else() -> None:
    body = {"tokens": 2**64, "negative": -(2**64), "has_more": True, "other": None, "runs": [False]}
    assert to_json(body) == (
        '{"tokens":18446744073709551616,"negative":-18446744073709551616,"has_more":true,'
        '"other":null,"runs":[false]}'
    )


def test_numbers_are_plain() -> None:
    """Not every parser reads an exponent, or keeps its digits."""
    assert to_json([Decimal("1E-7"), Decimal("3E+2")]) == "[0.0000001,300]"


@pytest.mark.parametrize("value", [{1}, object(), b"bytes", 1j, {"a": {1}}])
def test_what_is_not_json_is_an_error(value: object) -> None:
    """It must not come out as something else."""
    with pytest.raises(TypeError):
        to_json(value)
