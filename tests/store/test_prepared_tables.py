"""Tables made by DynamoDB's import from S3, here moto's, have what an import would have written."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from benchmarks.large_data_set import write_large_data_set
from local.template.template import Template
from tests.support.database import copy_to_memory, resources_of
from tests.support.generator import write_dataset
from tests.support.memory_dynamodb import NAMES, TABLES
from tools.import_tables import FOLDERS, import_request, row_tables, table_name
from usagectl.data_set.payload_files import PAYLOAD_FILES
from usagectl.loading.loader import Loader
from usagectl.preparing.prepare import prepare
from usagectl.progress import ignore
from workspace_usage.rows.row import Row, Source, from_stored_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
STACK = "workspace-usage-test"


def write_difficult_data_set(folder: Path) -> None:
    """Writes a data set with all kinds of rows, lines that can't be used, and repeated rows."""
    write_dataset(folder, 1, NOW, rows=400)
    for file in PAYLOAD_FILES:
        if not file.is_access:
            path = folder / file.name
            lines = path.read_text("utf-8").splitlines(keepends=True)
            # The later version of a row has another status; its other version comes before it.
            repeated = [line.replace('"succeeded"', '"failed"', 1) for line in lines[::3]]
            path.write_text("".join([*lines, "broken\n", *repeated]), "utf-8")


class OneLineEach:
    """Parses files for moto, in place of a package that it would need for this alone."""

    @staticmethod
    def parse(original: str) -> list[Any]:
        """Returns the values of lines of JSON."""
        return [json.loads(line) for line in original.splitlines()]


@pytest.fixture(autouse=True)
def parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives moto the parser."""
    module = SimpleNamespace(JsonParser=OneLineEach)
    monkeypatch.setitem(sys.modules, "py_partiql_parser", cast(Any, module))


def imported(folder: Path, template: Template) -> dict[str, list[Any]]:
    """Returns the items of each table that DynamoDB's import makes of prepared files."""
    session = boto3.Session("key", "secret", region_name="us-east-1")
    found = {}
    with mock_aws():
        s3, dynamodb = session.client("s3"), session.client("dynamodb")
        s3.create_bucket(Bucket="files")
        for path in folder.glob("*/*"):
            key = f"history/{path.relative_to(folder).as_posix()}"
            s3.put_object(Bucket="files", Key=key, Body=path.read_bytes())
        for table in row_tables(template):
            request: Any = import_request(table, STACK, "files", "history/")
            started = dynamodb.import_table(**request)["ImportTableDescription"]
            while started["ImportStatus"] == "IN_PROGRESS":
                arn = started["ImportArn"]
                started = dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"]
            assert started["ImportStatus"] == "COMPLETED", started
            name = table_name(table, STACK)
            described = dynamodb.describe_table(TableName=name)["Table"]
            indexes = {index["IndexName"] for index in described["GlobalSecondaryIndexes"]}
            wanted = {index["IndexName"] for index in table.properties["GlobalSecondaryIndexes"]}
            assert indexes == wanted
            pages = dynamodb.get_paginator("scan").paginate(TableName=name)
            items = [item for page in pages for item in page["Items"]]
            found[getattr(NAMES, FOLDERS[table.logical_id])] = items
    return found


def rows_of(source: Source, items: Iterable[Any]) -> list[Row]:
    """Returns items as rows: DynamoDB writes numbers in one form, and moto doesn't."""
    rows = (from_stored_item(source, item) for item in items)
    return sorted(rows, key=lambda row: (row.workspace_id, row.position))


def test_imported_tables_have_what_an_import_writes(
    client: "DynamoDBClient", template: Template, tmp_path: Path
) -> None:
    """The same rows in the same tables, the same report, and so the same answers.

    DynamoDB's import writes items of one key in any order, so each key is there once.
    """
    folder, output = tmp_path / "set", tmp_path / "tables"
    write_difficult_data_set(folder)
    reports: list[list[str]] = [[], []]
    loaded = Loader(resources_of(client), reject=lambda r: reports[0].append(str(r))).load(folder)
    written = prepare(folder, output, ignore, lambda r: reports[1].append(str(r)))
    assert reports[0] == reports[1]
    assert written.rejected == loaded.rejected == 3
    assert written.replaced > 100
    stored = copy_to_memory(client).tables
    tables = imported(output, template)
    for source, name in TABLES.items():
        assert len(tables[name]) > 10
        assert rows_of(source, tables[name]) == rows_of(source, stored[name].values())


def test_each_workspace_is_named_with_its_number_of_rows(tmp_path: Path) -> None:
    """The largest first: their pages far down are slow until they are counted."""
    written = write_large_data_set(tmp_path / "set", 12_000, workspaces=(7, 5, 9))
    prepare(tmp_path / "set", tmp_path / "tables", ignore, ignore)
    totals = sum(written.values(), start=Counter[int]())
    lines = (tmp_path / "tables" / "workspaces.txt").read_text("ascii").splitlines()
    named = {int(line.split()[0]): int(line.split()[1]) for line in lines}
    assert named == totals
    assert list(named.values()) == sorted(named.values(), reverse=True)
