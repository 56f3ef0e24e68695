"""The commands of DynamoDB's import have the template's keys, and DynamoDB would take them."""

import json
import shlex
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from local.template.expand import expand
from tools.import_tables import FOLDERS, TEMPLATE, commands
from usagectl.data_set.payload_files import PAYLOAD_FILES


def test_each_table_of_rows_is_imported_and_then_protected() -> None:
    """With all of its indexes, under a name by which its stack can take it over."""
    template = expand(TEMPLATE, {})
    lines = list(commands(template, "stack", "bucket", "history/"))
    (pause,) = (number for number, line in enumerate(lines) if line.startswith("#"))
    shape: Any = (
        botocore.session.get_session()
        .get_service_model("dynamodb")
        .operation_model("ImportTable")
        .input_shape
    )
    imported = []
    for line in lines[:pause]:
        *command, text = shlex.split(line)
        assert command == ["aws", "dynamodb", "import-table", "--cli-input-json"]
        request = json.loads(text)
        assert not ParamValidator().validate(request, shape).has_errors()
        created = request["TableCreationParameters"]
        table = template.resources[created["TableName"].split("-")[1]]
        assert created["TableName"] == f"stack-{table.logical_id}-imported"
        for name in ("KeySchema", "GlobalSecondaryIndexes", "AttributeDefinitions", "BillingMode"):
            assert created[name] == table.properties[name]
        imported.append(request["S3BucketSource"]["S3KeyPrefix"])
    assert imported == [f"history/{folder}/" for folder in FOLDERS.values()]
    assert list(FOLDERS.values()) == [file.table for file in PAYLOAD_FILES if not file.is_access]
    protecting = lines[pause + 1 :]
    assert sum("--deletion-protection-enabled" in line for line in protecting) == len(FOLDERS)
    assert sum("PointInTimeRecoveryEnabled=true" in line for line in protecting) == len(FOLDERS)
    assert sum("AttributeName=purge_at" in line for line in protecting) == 1
