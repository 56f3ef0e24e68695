"""For every reason why pydantic can refuse a payload there is a sentence of ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from workspace_usage.recording.events import EVENTS
from workspace_usage.recording.payloads import (
    AccessTokenRecord,
    EditedChat,
    Execution,
    MemberRecord,
    Payload,
)
from workspace_usage.recording.reasons import SENTENCE_BY_ERROR_TYPE

ERRORS_BY_KIND = {
    "model": {"model_type"},
    "model-fields": {"missing"},
    "str": {"string_type", "string_unicode"},
    "int": {"int_type"},
    "min_length": {"string_too_short"},
    "max_length": {"string_too_long"},
    "ge": {"greater_than_equal"},
    "le": {"less_than_equal"},
}
"""The types of error that a part of a model's schema, or a part's limit, can raise."""

KINDS_WITHOUT_ERRORS = {
    "any",
    "default",
    "definition-ref",
    "definitions",
    "function-after",
    "function-before",
    "function-plain",
    "model-field",
    "no-info",
    "nullable",
}
"""Parts that raise nothing themselves. What our own functions raise is already a sentence."""


def kinds(schema: Any) -> Iterator[str]:
    """The kinds of the parts of a pydantic core schema, and the limits of each part."""
    if isinstance(schema, list):
        for inner in schema:
            yield from kinds(inner)
    if isinstance(schema, dict):
        # A model has a field of this name, too.
        if isinstance(kind := schema.get("type"), str):
            yield kind
            if kind in {"int", "str"}:
                yield from schema.keys() - {"type", "strict", "ref", "metadata"}
        for name, inner in schema.items():
            if name not in {"metadata", "serialization"}:
                yield from kinds(inner)


@pytest.mark.parametrize(
    "model",
    [Execution, EditedChat, AccessTokenRecord, MemberRecord, *EVENTS.values()],
)
def test_every_error_of_a_model_has_a_sentence(model: type[Payload]) -> None:
    """A new kind of field or limit fails here until ``ERRORS_BY_KIND`` says what it can raise."""
    found = set(kinds(model.__pydantic_core_schema__))
    assert found >= {"model", "model-fields", "int", "ge"}
    assert found - KINDS_WITHOUT_ERRORS <= ERRORS_BY_KIND.keys()
    errors = set().union(*(ERRORS_BY_KIND[kind] for kind in found - KINDS_WITHOUT_ERRORS))
    assert errors <= SENTENCE_BY_ERROR_TYPE.keys()
