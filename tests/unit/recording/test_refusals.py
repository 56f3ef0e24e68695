"""A payload that can't be used is refused with a reason that names its fields, never a value."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.payloads import EXECUTION, MEMBER, TOKEN, JsonObject, agent, reason, without
from tests.support.strategies import json_values
from workspace_usage.recording.payloads import (
    InvalidPayload,
    parse_access_token,
    parse_membership,
    parse_row,
)
from workspace_usage.recording.reasons import SENTENCE_FOR_UNKNOWN_ERRORS
from workspace_usage.rows.row import Source, from_stored_item, to_stored_item
from workspace_usage.values import MAX_REASON_BYTES


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("name", ["workspace_id", "user_id", "user_email", "created_at", "status"])
def test_a_missing_field_is_named(source: Source, name: str) -> None:
    """In every source."""
    text = reason(lambda payload: parse_row(source, payload), without(EXECUTION, name))
    assert text == f"{name}: is missing"


def test_all_unusable_fields_are_named() -> None:
    """Not only the first one."""
    payload = {**EXECUTION, "id": 0, "status": None, "agent": agent("")}
    text = reason(lambda payload: parse_row(Source.CURRENT, payload), payload)
    assert {part.partition(": ")[0] for part in text.split("; ")} == {"id", "status", "agent.type"}


@given(json_values())
@example([EXECUTION])
@example("{}")
def test_a_payload_that_is_not_an_object_is_refused(value: object) -> None:
    """Whatever JSON value it is."""
    for parse in (lambda v: parse_row(Source.CURRENT, v), parse_access_token, parse_membership):
        with pytest.raises(InvalidPayload):
            parse(value)


def test_the_reason_says_that_a_payload_must_be_an_object() -> None:
    """It names no field."""
    assert reason(parse_access_token, ["id"]) == "must be a JSON object"


def test_a_reason_never_repeats_a_value() -> None:
    """Reasons are logged and reported; a value may be personal, or a secret."""
    for payload in ({**TOKEN, "token": "a-secret"}, {**TOKEN, "abilities": "a-secret"}):
        assert "a-secret" not in reason(parse_access_token, payload)
    text = reason(lambda r: parse_row(Source.EDITED, r), {**EXECUTION, "agent": agent("p!")})
    assert "p!" not in text


# --- Any values -----------------------------------------------------------------------------------


fields = st.sampled_from([*EXECUTION, "\ud800", ""])
agents = st.dictionaries(st.sampled_from(["title", "slug", "type"]), json_values())


def assert_names_a_field(error: InvalidPayload) -> None:
    """The reason begins with a field and has a sentence of ours."""
    field, colon, why = str(error).partition(": ")
    assert all((field, colon, why))
    assert SENTENCE_FOR_UNKNOWN_ERRORS not in why
    assert len(str(error).encode()) <= MAX_REASON_BYTES


@given(st.dictionaries(fields, json_values() | agents, max_size=4), st.sampled_from(Source))
def test_any_values_become_a_row_or_are_refused(changes: JsonObject, source: Source) -> None:
    """Without another error, and a row can be stored."""
    try:
        read = parse_row(source, {**EXECUTION, **changes})
    except InvalidPayload as error:
        assert_names_a_field(error)
        return
    assert from_stored_item(source, to_stored_item(read)) == read


@given(st.dictionaries(st.sampled_from([*TOKEN, *MEMBER]), json_values()))
def test_any_values_become_a_token_or_a_member_or_are_refused(changes: JsonObject) -> None:
    """Without another error."""
    for parse, payload in ((parse_access_token, TOKEN), (parse_membership, MEMBER)):
        try:
            parse({**payload, **changes})
        except InvalidPayload as error:
            assert_names_a_field(error)
