"""What doctor says of the tables of a deployment in AWS."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from local.template.expand import expand
from tests.support.functions import ROOT
from usagectl.deployment import Deployment
from usagectl.findings import Finding
from usagectl.tables_check import examine

CHANGED = "ArchivedExecutionsTable"
"""The table that is not as it should be."""


class Tables:
    """DynamoDB with the template's tables. Their names are their logical ids.

    Attributes:
        described: what DynamoDB says of each table.
        times_to_live: the status of the time to live of those tables that have one.
    """

    def __init__(self) -> None:
        template = expand(ROOT / "template.yaml", {})
        self.described: dict[str, Any] = {
            table.logical_id: {
                "TableStatus": "ACTIVE",
                "DeletionProtectionEnabled": True,
                "KeySchema": table.properties["KeySchema"],
                "GlobalSecondaryIndexes": [
                    {**index, "IndexStatus": "ACTIVE"}
                    for index in deepcopy(table.properties.get("GlobalSecondaryIndexes", []))
                ],
            }
            for table in template.of_type("AWS::DynamoDB::Table")
        }
        self.times_to_live: dict[str, str] = {}

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Returns a table's description."""
        return {"Table": self.described[TableName]}

    def describe_time_to_live(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        """Returns whether items of a table are deleted after some time."""
        status = self.times_to_live.get(TableName, "DISABLED")
        return {"TimeToLiveDescription": {"TimeToLiveStatus": status}}


@pytest.fixture(scope="module")
def made() -> Tables:
    """The tables as they should be."""
    return Tables()


@pytest.fixture
def tables(made: Tables) -> Tables:
    """Tables that a test may change."""
    return deepcopy(made)


def failures(tables: Tables, **outputs: str) -> list[Finding]:
    """Returns what is wrong with the tables of a deployment."""
    names = {f"{name}Name": name for name in tables.described}
    deployment = Deployment("stack", names | outputs, "", None, {})
    vars(deployment)["dynamodb"] = tables
    findings = list(examine(deployment))
    assert {finding.check for finding in findings} == {f"table {n}" for n in tables.described}
    return [finding for finding in findings if not finding.is_well]


def test_the_template_s_tables_are_as_they_should_be(tables: Tables) -> None:
    """A table that is more than the template says is fine, too, if nothing is deleted from it."""
    tables.described[CHANGED]["GlobalSecondaryIndexes"].append(
        {"IndexName": "own", "KeySchema": [], "IndexStatus": "CREATING"}
    )
    assert failures(tables) == []


def lose_protection(tables: Tables) -> None:
    """Lets anyone delete the table."""
    tables.described[CHANGED]["DeletionProtectionEnabled"] = False


def turn_keys_round(tables: Tables) -> None:
    """Makes the sort key the partition key."""
    tables.described[CHANGED]["KeySchema"] = tables.described[CHANGED]["KeySchema"][::-1]


def lose_an_index(tables: Tables) -> None:
    """Deletes the last index."""
    tables.described[CHANGED]["GlobalSecondaryIndexes"].pop()


def change_an_index(tables: Tables) -> None:
    """Gives the last index the keys of another one."""
    indexes = tables.described[CHANGED]["GlobalSecondaryIndexes"]
    indexes[-1]["KeySchema"] = indexes[0]["KeySchema"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.described[CHANGED].update(TableStatus="UPDATING"), "is UPDATING"),
        (turn_keys_round, "has other keys than the template"),
        (lose_an_index, "lacks the index"),
        (change_an_index, "lacks the index"),
        (
            lambda t: t.described[CHANGED]["GlobalSecondaryIndexes"][0].update(
                IndexStatus="CREATING"
            ),
            "is CREATING",
        ),
        (lose_protection, "is not protected against deletion"),
        (lambda t: t.times_to_live.update({CHANGED: "ENABLED"}), "time to live: switch it off"),
        (lambda t: t.times_to_live.update({CHANGED: "ENABLING"}), "time to live: switch it off"),
    ],
)
def test_a_table_that_is_not_as_the_template_has_it_is_found(
    tables: Tables, change: Callable[[Tables], object], reason: str
) -> None:
    """It alone."""
    change(tables)
    (found,) = failures(tables)
    assert found.check == f"table {CHANGED}"
    assert found.detail.startswith(CHANGED)
    assert reason in found.detail


def test_a_deployment_may_have_no_protection(tables: Tables) -> None:
    """One for tests, whose parameter says so."""
    lose_protection(tables)
    assert failures(tables, TableProtection="false") == []
    assert len(failures(tables, TableProtection="true")) == 1


def test_some_tables_have_a_time_to_live(tables: Tables) -> None:
    """Those for which the template says so."""
    template = expand(ROOT / "template.yaml", {})
    for table in template.of_type("AWS::DynamoDB::Table"):
        if "TimeToLiveSpecification" in table.properties:
            tables.times_to_live[table.logical_id] = "ENABLED"
    assert tables.times_to_live
    assert failures(tables) == []
