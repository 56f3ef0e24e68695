"""What a table holds of a row gives back the row, digit for digit, and holds nothing else."""

from collections.abc import Callable
from copy import replace
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given

from tests.support.strategies import stored_rows
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    ARCHIVED_FLAG,
    Row,
    Source,
    Tokens,
    from_stored_item,
    to_stored_item,
)
from workspace_usage.values import MAX_ID

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
ALWAYS_THERE = {
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


@given(stored_rows())
def test_an_item_gives_back_its_row(row: Row) -> None:
    assert from_stored_item(row.source, to_stored_item(row)) == row
    assert str(from_stored_item(row.source, to_stored_item(row)).credits) == str(row.credits)


@given(stored_rows())
def test_an_item_is_one_that_dynamodb_can_hold(row: Row) -> None:
    """Its numbers have at most 38 digits, and every value is one of DynamoDB's types."""
    deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize
    values = {name: deserialize(value) for name, value in to_stored_item(row).items()}
    assert values["credits"] == row.credits
    assert values["workspace_id"] == row.workspace_id


def test_what_is_absent_is_not_stored() -> None:
    assert to_stored_item(ROW) == ALWAYS_THERE


def test_what_is_present_is_stored_also_when_it_is_empty_or_zero() -> None:
    full = replace(
        ROW, output="", root_id=0, execution_origin="", used_model="", tokens=Tokens(0, None, 0)
    )
    assert to_stored_item(full) == {
        **ALWAYS_THERE,
        "output": {"S": ""},
        "root_id": {"N": "0"},
        "execution_origin": {"S": ""},
        "used_model": {"S": ""},
        "token_billing": {"BOOL": True},
        "input_tokens": {"N": "0"},
        "total_tokens": {"N": "0"},
    }


def test_billing_by_unknown_numbers_of_tokens_is_not_no_billing_by_tokens() -> None:
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
def test_a_row_is_of_the_source_whose_table_it_is_in(source: Source) -> None:
    assert from_stored_item(source, ALWAYS_THERE).source is source


def test_a_row_that_is_marked_as_archived_is_archived_wherever_it_is() -> None:
    marked: StoredItem = {**ALWAYS_THERE, ARCHIVED_FLAG: {"BOOL": True}}
    assert from_stored_item(Source.CURRENT, marked).source is Source.ARCHIVED


def test_attributes_of_others_are_ignored() -> None:
    others = {"version": {"S": "1"}, "purge_at": {"N": "1"}}
    assert from_stored_item(Source.CURRENT, {**ALWAYS_THERE, **others}) == ROW


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_an_item_that_lacks_an_attribute_is_noticed(name: str) -> None:
    with pytest.raises(KeyError):
        from_stored_item(Source.CURRENT, {key: v for key, v in ALWAYS_THERE.items() if key != name})


def test_a_key_that_is_no_sort_key_is_noticed() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        from_stored_item(Source.CURRENT, {**ALWAYS_THERE, "sort_key": {"S": "#marker"}})


def test_edited_chats_rank_before_executions() -> None:
    assert Source.EDITED.rank > Source.CURRENT.rank == Source.ARCHIVED.rank
