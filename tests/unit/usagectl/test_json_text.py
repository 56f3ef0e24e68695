"""JSON text keeps all digits of numbers."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usagectl.json_text import to_json
from workspace_usage.values import parse_json

NOW = datetime(2026, 3, 1, tzinfo=UTC)


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=12)


texts = st.text(st.characters(exclude_categories=["Cs"]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(json_values)
def test_numbers_keep_their_digits(value: object) -> None:
    """JSON that is written and read again is the same: no number becomes a float."""
    text = to_json(value)
    assert "\n" not in text
    assert parse_json(text.encode()) == value


def test_a_value_that_json_does_not_have_is_refused() -> None:
    """It is not written as something else."""
    with pytest.raises(TypeError, match="datetime has no form in JSON"):
        to_json({"at": NOW})
