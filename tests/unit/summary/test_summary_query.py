"""The summary's parameters: what is accepted, and what is refused."""

from typing import Any

import pytest

from workspace_usage.errors import InvalidRequest
from workspace_usage.summary.query import PARAMETER_NAMES, SummaryQuery


def refused(**parameters: object) -> list[tuple[str, str]]:
    """Returns the parameters that are refused, each with its message's key."""
    with pytest.raises(InvalidRequest) as raised:
        SummaryQuery.parse(parameters)
    return [(violation.field, violation.message_key) for violation in raised.value.violations]


def test_the_parameters_are_the_contract_s() -> None:
    assert (
        *("range", "start_date", "end_date", "user_id", "type"),
        *("interval", "group_by", "limit"),
    ) == PARAMETER_NAMES


@pytest.mark.parametrize("value", ["", " \u200b", None])
def test_what_is_empty_counts_as_absent(value: str | None) -> None:
    query = SummaryQuery.parse(dict.fromkeys(PARAMETER_NAMES, value))
    assert (query.interval, query.group_by, query.limit) == ("day", (), 10)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("user", ("user",)),
        (" model , user\u200b", ("model", "user")),
        (["origin"], ("origin",)),
        (["source", "status"], ("source", "status")),
        ([], ()),
    ],
)
def test_one_or_two_different_dimensions_are_accepted(
    value: object, expected: tuple[str, ...]
) -> None:
    """As a text or, in a direct invocation, as a list."""
    assert SummaryQuery.parse({"group_by": value}).group_by == expected


@pytest.mark.parametrize(
    "value",
    [
        *("team", "User", "user,user", "user,", ",", "user,type,model", "user;type"),
        *(5, True, {"user": 1}, [["user"]], [{}], ["user", None], ["user", "user"]),
    ],
)
def test_other_dimensions_are_refused(value: Any) -> None:
    assert refused(group_by=value) == [("group_by", "invalid_groups")]


def test_all_that_is_wrong_is_named_in_the_contract_s_order() -> None:
    found = refused(limit="0", group_by="x", interval="year", start_date="2026-01-05", page="0")
    assert found == [
        ("end_date", "missing_date"),
        ("interval", "invalid_choice"),
        ("group_by", "invalid_groups"),
        ("limit", "invalid_minimum"),
    ]
    assert refused(limit=51) == [("limit", "invalid_maximum")]
