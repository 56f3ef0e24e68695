"""A stored item gives back its row, digit for digit, and holds nothing else."""

from collections.abc import Callable
from copy import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.strategies import stored_rows
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    ARCHIVED_FLAG,
    ARRIVED_AT,
    Row,
    Source,
    Tokens,
    from_stored_item,
    has_arrived_after,
    to_stored_item,
)
from workspace_usage.values import MAX_ID, to_milliseconds

ROW = Row(
    source=Source.CURRENT,
    workspace_id=11,
    position=Position("2026-01-05T19:35:21.000000Z", 0, 7),
    user_id=42,
    user_email="ana@example.com",
    agent_type="image",
    agent_title="Images",
    agent_slug="images",
    status="succeeded",
    credits=Decimal("0.006145"),
)
REQUIRED = {
    "workspace_id": {"N": "11"},
    "sort_key": {"S": "2026-01-05T19:35:21.000000Z#0#00000000000000000007"},
    "user_id": {"N": "42"},
    "user_email": {"S": "ana@example.com"},
    "agent_type": {"S": "image"},
    "agent_title": {"S": "Images"},
    "agent_slug": {"S": "images"},
    "status": {"S": "succeeded"},
    "credits": {"N": "0.006145"},
}


def test_every_optional_field_is_among_what_is_tested() -> None:
    """A field that is added is to be added to the strategy, too, on which many tests depend."""
    tested: set[str] = set()

    @settings(max_examples=50, database=None, derandomize=True)
    @given(stored_rows())
    def note_fields(row: Row) -> None:
        tested.update(name for name in Row._field_defaults if getattr(row, name) is not None)

    note_fields()
    assert tested == Row._field_defaults.keys()


@settings(max_examples=50)
@given(stored_rows())
def test_a_stored_item_gives_back_its_row(row: Row) -> None:
    """DynamoDB can hold it: every value is of one of its types, with at most 38 digits."""
    item = to_stored_item(row)
    assert from_stored_item(row.source, item) == row
    assert str(from_stored_item(row.source, item).credits) == str(row.credits)
    deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize
    values = {name: deserialize(value) for name, value in item.items()}
    assert values["credits"] == row.credits
    assert values["workspace_id"] == row.workspace_id


def test_absent_values_are_not_stored() -> None:
    assert to_stored_item(ROW) == REQUIRED


def test_empty_texts_and_zeros_are_stored() -> None:
    full = replace(
        ROW, output="", root_id=0, execution_origin="", used_model="", tokens=Tokens(0, None, 0)
    )
    assert to_stored_item(full) == {
        **REQUIRED,
        "output": {"S": ""},
        "root_id": {"N": "0"},
        "execution_origin": {"S": ""},
        "used_model": {"S": ""},
        "token_billing": {"BOOL": True},
        "input_tokens": {"N": "0"},
        "total_tokens": {"N": "0"},
    }


def test_billing_by_tokens_is_kept_even_if_the_numbers_are_unknown() -> None:
    unknown = replace(ROW, tokens=Tokens(None, None, None))
    assert from_stored_item(Source.CURRENT, to_stored_item(unknown)) == unknown != ROW


def test_the_largest_numbers_are_kept() -> None:
    row = replace(
        ROW,
        workspace_id=MAX_ID,
        user_id=MAX_ID,
        position=Position(ROW.position.created_at, 0, MAX_ID),
        root_id=MAX_ID,
        credits=Decimal("1234567890123456789012345678.9012345678"),
        tokens=Tokens(MAX_ID, MAX_ID, MAX_ID),
    )
    assert from_stored_item(Source.CURRENT, to_stored_item(row)) == row


@pytest.mark.parametrize("source", Source)
def test_a_row_has_the_source_of_its_table(source: Source) -> None:
    assert from_stored_item(source, REQUIRED).source is source


def test_a_row_with_the_archived_flag_is_archived() -> None:
    flagged: StoredItem = {**REQUIRED, ARCHIVED_FLAG: {"BOOL": True}}
    assert from_stored_item(Source.CURRENT, flagged).source is Source.ARCHIVED


def test_other_attributes_are_ignored() -> None:
    others = {"version": {"S": "1"}, "purge_at": {"N": "1"}, ARRIVED_AT: {"N": "1"}}
    assert from_stored_item(Source.CURRENT, {**REQUIRED, **others}) == ROW


@pytest.mark.parametrize("name", REQUIRED)
def test_a_stored_item_without_a_required_attribute_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        from_stored_item(Source.CURRENT, {key: v for key, v in REQUIRED.items() if key != name})


def test_a_malformed_sort_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        from_stored_item(Source.CURRENT, {**REQUIRED, "sort_key": {"S": "#marker"}})


def test_edited_chats_rank_before_executions() -> None:
    assert Source.EDITED.rank > Source.CURRENT.rank == Source.ARCHIVED.rank


def test_a_row_has_arrived_after_an_earlier_moment_only() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    item: StoredItem = {**REQUIRED, ARRIVED_AT: {"N": str(to_milliseconds(moment))}}
    assert has_arrived_after(item, moment - timedelta(milliseconds=1))
    assert not has_arrived_after(item, moment)
    assert not has_arrived_after(item, moment + timedelta(milliseconds=1))


def test_a_row_that_does_not_say_when_it_came_was_always_there() -> None:
    assert not has_arrived_after(REQUIRED, datetime(1970, 1, 1, tzinfo=UTC))


@given(st.integers(0, 4 * 10**15), st.integers(0, 2_000))
def test_rounding_never_makes_an_arrival_later_than_it_was(since_1970: int, later: int) -> None:
    """A row that came before a moment, or at it, has not arrived after it.

    ``since_1970`` and ``later`` are microseconds.
    """
    arrived_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since_1970)
    item: StoredItem = {**REQUIRED, ARRIVED_AT: {"N": str(to_milliseconds(arrived_at))}}
    assert not has_arrived_after(item, arrived_at + timedelta(microseconds=later))
