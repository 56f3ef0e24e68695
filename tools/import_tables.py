"""Prints the commands that make the tables of rows from the files of ``usagectl prepare``.

    python -m tools.import_tables workspace-usage-prod my-bucket history/

The tables get the names that CloudFormation would give them, so that a new stack can take them over
(docs/import.md). Nothing is changed here: an operator reads the commands, and runs them.
"""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from local.template.expand import expand
from local.template.template import Resource, Template

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"

FOLDERS: Final[Mapping[str, str]] = {
    "ExecutionsTable": "executions",
    "ArchivedExecutionsTable": "archived_executions",
    "EditedChatsTable": "edited_chats",
}
"""The folder that has a table's files, by the table's logical id."""

_CREATION: Final = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
"""What DynamoDB's import sets of a table. The other properties are set afterwards."""


def import_request(table: Resource, stack: str, bucket: str, prefix: str) -> dict[str, Any]:
    """Returns the request that makes a table and fills it.

    Args:
        table: the table in the template.
        stack: the stack that will have it.
        bucket: where the files are.
        prefix: what is before the folders of the tables in the files' keys, such as ``history/``.
    """
    return {
        "S3BucketSource": {
            "S3Bucket": bucket,
            "S3KeyPrefix": f"{prefix}{FOLDERS[table.logical_id]}/",
        },
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "TableCreationParameters": {
            "TableName": table_name(table, stack),
            **{name: table.properties[name] for name in _CREATION},
        },
    }


def table_name(table: Resource, stack: str) -> str:
    """Returns the name of a table that a stack is to take over."""
    return f"{stack}-{table.logical_id}-imported"


def row_tables(template: Template) -> list[Resource]:
    """Returns the tables of rows."""
    return [template.resources[logical_id] for logical_id in FOLDERS]


def commands(template: Template, stack: str, bucket: str, prefix: str) -> Iterator[str]:
    """Yields the commands, first those that import, then those that set the other properties."""
    for table in row_tables(template):
        request = json.dumps(import_request(table, stack, bucket, prefix))
        yield f"aws dynamodb import-table --cli-input-json {shlex.quote(request)}"
    yield "# When describe-import says COMPLETED, with an ErrorCount of 0, for all three:"
    for table in row_tables(template):
        name = f"--table-name {table_name(table, stack)}"
        yield (
            f"aws dynamodb update-continuous-backups {name}"
            " --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        )
        time_to_live = table.properties.get("TimeToLiveSpecification")
        if time_to_live is not None:
            attribute = time_to_live["AttributeName"]
            yield (
                f"aws dynamodb update-time-to-live {name}"
                f" --time-to-live-specification Enabled=true,AttributeName={attribute}"
            )
        yield f"aws dynamodb update-table {name} --deletion-protection-enabled"


if __name__ == "__main__":
    for command in commands(expand(TEMPLATE, {}), *sys.argv[1:]):
        sys.stdout.write(f"{command}\n")
