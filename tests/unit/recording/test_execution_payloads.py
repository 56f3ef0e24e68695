"""An execution's or a chat's payload becomes a row that has only what the listing needs."""

import json
from copy import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.payloads import EXECUTION, agent, reason, refused_field, row, without
from tests.support.strategies import stored_rows
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    MEDIA_TYPES,
    Row,
    Source,
    Tokens,
    from_stored_item,
    kept_output,
    to_stored_item,
)


def test_an_execution_becomes_a_row() -> None:
    """Its output is dropped, since it is never shown."""
    assert row() == Row(
        source=Source.CURRENT,
        workspace_id=11,
        position=Position("2026-01-05T19:35:21.000000Z", 0, 7),
        user_id=42,
        user_email="ana@example.com",
        agent_type="chat",
        agent_title="Chat with Tess",
        agent_slug="chat-with-tess",
        status="succeeded",
        credits=Decimal("0.006145"),
        output=None,
        root_id=5,
        execution_origin="api",
        used_model="a-model",
        tokens=Tokens(1, 2, 3),
    )


def test_an_archived_execution_keeps_its_position() -> None:
    """So it hides the current row of the same execution."""
    assert row(Source.ARCHIVED) == replace(row(), source=Source.ARCHIVED)


def test_an_edited_chat_has_its_own_id_and_rank_and_no_model() -> None:
    """Its id is of another kind, so it hides no execution."""
    edited = row(Source.EDITED)
    assert edited.position == Position("2026-01-05T19:35:21.000000Z", 1, 8)
    assert edited.used_model is None
    assert edited == replace(row(), source=Source.EDITED, position=edited.position, used_model=None)


@settings(max_examples=50)
@given(st.sampled_from(Source), stored_rows())
def test_nothing_is_lost_on_the_way_through_a_file_and_a_table(source: Source, shown: Row) -> None:
    """Row → payload → line of a file → payload → row → stored item → row."""
    billing = None
    if shown.tokens is not None:
        billing = {
            "billing": "tokens",
            "input_tokens": shown.tokens.input,
            "output_tokens": shown.tokens.output,
            "total_tokens": shown.tokens.total,
        }
    kind = "chat" if source is Source.EDITED else shown.agent_type
    payload = {
        "id": shown.position.id or 1,
        "user_openai_id": shown.position.id or 1,
        "workspace_id": shown.workspace_id,
        "user_id": shown.user_id,
        "user_email": shown.user_email,
        "created_at": shown.position.created_at,
        "agent": {"title": shown.agent_title, "slug": shown.agent_slug, "type": kind},
        "status": shown.status,
        "credits": str(shown.credits),
        "output": shown.output,
        "root_id": shown.root_id,
        "metadata": {"execution_origin": shown.execution_origin},
        "used_model": shown.used_model,
        "detailed_credits": billing,
    }
    line = json.dumps(payload)
    read = parse_row(source, json.loads(line, parse_float=Decimal))
    assert read == replace(
        shown,
        source=source,
        position=replace(shown.position, rank=source.rank),
        agent_type=kind,
        output=kept_output(source, kind, shown.output),
        used_model=None if source is Source.EDITED else shown.used_model,
    )
    assert from_stored_item(source, to_stored_item(read)) == read


@pytest.mark.parametrize("kind", ["image", "text", "Chat", "chat "])
def test_only_chats_are_edited(kind: str) -> None:
    """The listing reads the edited chats for no other type: it would not find such a row."""
    assert refused_field(Source.EDITED, agent=agent(kind)) == "agent.type"


@pytest.mark.parametrize("source", Source)
def test_each_source_needs_its_own_id(source: Source) -> None:
    """The id of another source may be missing."""
    own = "user_openai_id" if source is Source.EDITED else "id"
    text = reason(lambda payload: parse_row(source, payload), without(EXECUTION, own))
    assert text == f"{own}: is missing"
    (other,) = {"id", "user_openai_id"} - {own}
    assert parse_row(source, without(EXECUTION, other)) == row(source)


# --- Outputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chat", "text", "code", "music", "Image"])
def test_an_output_that_is_never_shown_is_dropped(kind: str) -> None:
    """Only outputs of media are shown."""
    assert row(agent=agent(kind)).output is None


@pytest.mark.parametrize("kind", sorted(MEDIA_TYPES))
def test_an_output_of_media_is_kept_while_the_execution_is_current(kind: str) -> None:
    """Whatever its status, and whether it is a key or a URL."""
    for output in ("images/1.png", "https://example.com/1.png", "", None):
        assert row(agent=agent(kind), output=output).output == output
        assert row(agent=agent(kind), output=output, status="failed").output == output


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_only_the_key_of_an_archived_output_is_kept(status: str) -> None:
    """Without the key, the object could never be erased."""
    for output, kept in {
        "images/1.png": "images/1.png",
        "é" * 512: "é" * 512,
        "é" * 512 + "x": None,
        "HTTPS://example.com/1.png": None,
        "": None,
        None: None,
    }.items():
        archived = row(Source.ARCHIVED, agent=agent("image"), status=status, output=output)
        assert archived.output == kept
        assert ("output" in to_stored_item(archived)) == (kept is not None)


def test_an_output_that_is_too_long_for_a_key_is_refused() -> None:
    """S3's keys have at most 1,024 bytes of UTF-8: a presigned URL would lead nowhere."""
    for fitting, long in (("x" * 1_024, "x" * 1_025), ("é" * 512, "é" * 512 + "x")):
        assert row(agent=agent("image"), output=fitting).output == fitting
        assert refused_field(Source.CURRENT, agent=agent("image"), output=long) == "output"
        assert row(agent=agent("image"), output=long, status="failed").output == long
        assert row(agent=agent("image"), output=f"http://{long}").output == f"http://{long}"


@pytest.mark.parametrize("source", Source)
def test_an_output_that_is_not_kept_may_have_any_length(source: Source) -> None:
    """It is dropped before the row's size is checked."""
    assert row(source, output="x" * 1_000_000).output is None


# --- Fields without a value -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["output", "root_id", "metadata", "used_model", "detailed_credits", "credits"]
)
def test_an_optional_field_may_be_null_or_missing(field: str) -> None:
    """Both mean the same."""
    unknown = parse_row(Source.CURRENT, {**EXECUTION, field: None})
    assert unknown == parse_row(Source.CURRENT, without(EXECUTION, field))


def test_unknown_credits_are_zero() -> None:
    """The answer always has a number."""
    assert row(credits=None).credits == 0


NOTHING: list[object] = [None, {}, [], "null"]
"""What Laravel and MySQL make of an empty object, or of a null in a JSON column."""


@pytest.mark.parametrize(
    "metadata", [*NOTHING, {"execution_origin": None}, {"execution_origin": "null"}]
)
def test_an_unknown_origin_is_none(metadata: object) -> None:
    """However it is written."""
    assert row(metadata=metadata).execution_origin is None


def test_an_unknown_model_is_none() -> None:
    """MySQL writes a JSON column's null as a text."""
    assert row(used_model="null").used_model is None


@pytest.mark.parametrize("detail", NOTHING)
def test_without_detailed_credits_there_are_no_tokens(detail: object) -> None:
    """However their absence is written."""
    assert row(detailed_credits=detail).tokens is None


@pytest.mark.parametrize("billing", ["credits", "Tokens", "", None])
def test_without_billing_by_tokens_there_are_no_tokens(billing: str | None) -> None:
    """The counts are listed only if the execution was billed by them."""
    detail = {**EXECUTION["detailed_credits"], "billing": billing}
    assert row(detailed_credits=detail).tokens is None
    assert row(detailed_credits={"billing": "tokens"}).tokens == Tokens(None, None, None)


def test_a_text_from_another_column_may_say_null() -> None:
    """Only JSON columns have nulls that became texts."""
    named = row(user_email="null", agent={"title": "null", "slug": "null", "type": "null"})
    assert (named.user_email, named.agent_title, named.agent_slug) == ("null",) * 3
