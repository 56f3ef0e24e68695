"""Checks a deployment's tables: their keys and indexes, and whether they are protected.

The template of this repository says which keys and indexes they should have.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from usagectl.deployment import Deployment
from usagectl.findings import Finding, Problem, find

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Yields what is found of each table of the template."""
    template = yaml_parse(TEMPLATE.read_text("utf-8"))["Resources"]
    for name, resource in template.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            yield find(f"table {name}", partial(_check_table, deployment, name, resource))


def _check_table(deployment: Deployment, logical_id: str, resource: Mapping[str, Any]) -> str:
    name = deployment.output(f"{logical_id}Name")
    table = deployment.dynamodb.describe_table(TableName=name)["Table"]
    if table["TableStatus"] != "ACTIVE":
        raise Problem(f"{name} is {table['TableStatus']}")
    expected = resource["Properties"]
    if _keys(table["KeySchema"]) != _keys(expected["KeySchema"]):
        raise Problem(f"{name} has other keys than the template")
    actual = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    for index in expected.get("GlobalSecondaryIndexes", []):
        actual_index = actual.get(index["IndexName"])
        if actual_index is None or _keys(actual_index["KeySchema"]) != _keys(index["KeySchema"]):
            raise Problem(f"{name} lacks the index {index['IndexName']} as the template has it")
        if actual_index.get("IndexStatus", "ACTIVE") != "ACTIVE":
            raise Problem(
                f"{name}: the index {index['IndexName']} is {actual_index['IndexStatus']}"
            )
    if not deployment.is_local:
        _check_protection(deployment, name, table, expected)
    return f"{name}, its indexes: {', '.join(sorted(actual)) or 'none'}"


def _check_protection(
    deployment: Deployment, name: str, table: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Raises ``Problem`` if a table, or items that must stay, could be deleted."""
    is_to_be_protected = (
        "DeletionProtectionEnabled" in expected
        and deployment.outputs.get("TableProtection", "true") == "true"
    )
    if is_to_be_protected and not table.get("DeletionProtectionEnabled"):
        raise Problem(f"{name} is not protected against deletion")
    time_to_live = deployment.dynamodb.describe_time_to_live(TableName=name)[
        "TimeToLiveDescription"
    ]
    is_on = time_to_live.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    if is_on and "TimeToLiveSpecification" not in expected:
        raise Problem(f"{name} deletes tombstones after a time to live: switch it off")


def _keys(schema: Any) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in schema]
