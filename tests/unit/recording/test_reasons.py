"""Every way in which pydantic can refuse a record has a sentence of ours."""

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
from workspace_usage.recording.reasons import SENTENCES

ERRORS = {
    "model": {"model_type"},
    "model-fields": {"missing"},
    "str": {"string_type", "string_unicode"},
    "int": {"int_type"},
    "min_length": {"string_too_short"},
    "max_length": {"string_too_long"},
    "ge": {"greater_than_equal"},
    "le": {"less_than_equal"},
}
"""The types of error that a part of a model's schema, or a limit of a part, can raise."""

SILENT = {
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
"""Parts that raise nothing themselves; what our own functions raise is a sentence already."""


def kinds(schema: Any) -> Iterator[str]:
    """The kinds of a schema's parts (pydantic's core schema), and the limits of each."""
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
def test_no_error_of_a_model_is_without_a_sentence(model: type[Payload]) -> None:
    """A new kind of field, or of limit, fails here until it is known what it can raise."""
    found = set(kinds(model.__pydantic_core_schema__))
    assert found >= {"model", "model-fields", "int", "ge"}
    assert found - SILENT <= ERRORS.keys()
    assert set().union(*(ERRORS[kind] for kind in found - SILENT)) <= SENTENCES.keys()
