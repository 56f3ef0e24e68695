"""Which groups an answer names, and in which order."""

from decimal import Decimal
from typing import Any

from workspace_usage.rollups.sums import Sums
from workspace_usage.rollups.totals import Cell
from workspace_usage.summary.groups import Naming, rank, to_totals


def cell(credits_: str, runs: int = 1) -> Cell:
    """Returns a sum."""
    return Cell(runs, 0, Decimal(credits_))


def test_groups_are_ranked_by_credits_then_runs_then_values() -> None:
    """Credits that differ only in their last digits differ. Null comes after every value."""
    groups: dict[Any, Cell] = {
        (None,): cell("1"),
        ("b",): cell("1"),
        ("a",): cell("1"),
        ("more runs",): cell("1", runs=2),
        ("most",): cell("123456789012345678901234567890.00000001"),
        ("less",): cell("123456789012345678901234567890.00000000"),
    }
    ranked = [value for (value,) in rank(groups)]
    assert ranked == ["most", "less", "more runs", "a", "b", None]
    assert rank({(10,): cell("0"), (9,): cell("0")}) == [(9,), (10,)], "numbers, not texts"


def test_what_is_not_named_is_one_sum() -> None:
    """It is null if nothing is left, and without groups."""
    sums = Sums(labels={"user": {1: "ana@example.com"}})
    groups: dict[Any, Cell] = {(1,): cell("2.50"), (2,): cell("1"), (3,): cell("0.5", runs=3)}
    division = Naming(["user"], [(1,)], sums).divide(groups)
    [named] = division["groups"]
    assert list(named)[:3] == ["user_id", "email", "runs"]
    assert division["other"] == to_totals(Cell(4, 0, Decimal("1.5")))
    assert division["totals"]["credits"] == 4
    assert Naming(["user"], [(1,)], sums).divide({(1,): cell("1")})["other"] is None
    alone = Naming([], [], sums).divide({(): cell("1")})
    assert (alone["groups"], alone["other"]) == ([], None)


def test_credits_have_no_zeros_that_say_nothing() -> None:
    """As the listing's credits, which DynamoDB normalizes."""
    assert str(to_totals(cell("2.50"))["credits"]) == "2.5"
    assert f"{to_totals(cell('100'))['credits']:f}" == "100"
    assert str(to_totals(cell("0.00"))["credits"]) == "0"
