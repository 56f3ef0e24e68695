"""Packed values are read as they were, from botocore and from our own reader."""

from base64 import b64encode
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workspace_usage.aws.packing import pack, unpack

CONTENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@settings(max_examples=50)
@given(CONTENTS)
def test_a_packed_value_is_read_as_it_was(content: Any) -> None:
    """botocore returns bytes; our reader leaves them in Base64, as they arrive."""
    value = pack(content)
    assert unpack(value) == content
    assert unpack({"B": b64encode(value["B"]).decode()}) == content
