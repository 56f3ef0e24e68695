"""The import as an operator runs it, killed half-way and started again, on the real engine."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.dynamodb import DynamoDBLocal
from local.stack import Stack
from tests.support.functions import ROOT
from tests.support.many import FILES, write_many
from workspace_usage.rows import Source

pytestmark = pytest.mark.xdist_group("dynamodb-local")

ROWS = 20_000
PATIENCE = 120.0
TABLES = {
    Source.CURRENT: "ExecutionsTable",
    Source.ARCHIVED: "ArchivedExecutionsTable",
    Source.EDITED: "EditedChatsTable",
}


def start_import(stack: Stack, folder: Path) -> subprocess.Popen[bytes]:
    """``usagectl import`` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "usagectl", "--endpoint", stack.url, "import", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core"), str(ROOT)])},
        stdout=subprocess.PIPE,
    )


def lines_noted(folder: Path) -> int:
    """How many lines of the largest file are noted as written."""
    try:
        notes: Any = json.loads((folder / ".import-checkpoint.json").read_text("utf-8"))
    except FileNotFoundError:
        return 0
    lines: int = notes["parts"].get(FILES[Source.CURRENT][0], ("", {"lines": 0}))[1]["lines"]
    return lines


def stored(stack: Stack, source: Source, workspaces: Counter[int]) -> Counter[int]:
    """How many rows a table has of each workspace."""
    pages = stack.clients.dynamodb.get_paginator("query")
    counts = Counter[int]()
    for workspace_id in workspaces:
        for page in pages.paginate(
            TableName=stack.template.resources[TABLES[source]].name,
            Select="COUNT",
            KeyConditionExpression="workspace_id = :workspace",
            ExpressionAttributeValues={":workspace": {"N": str(workspace_id)}},
        ):
            counts[workspace_id] += page["Count"]
    return counts


def test_an_import_that_is_killed_and_started_again_ends_with_the_sources_rows(
    engine: DynamoDBLocal, tmp_path: Path
) -> None:
    """It goes on from its checkpoint: nothing is missing, nothing is there twice."""
    written = write_many(tmp_path, ROWS)
    with Stack.start(dynamodb_endpoint=engine.url) as stack:
        with start_import(stack, tmp_path) as first:
            give_up = time.monotonic() + PATIENCE
            while not lines_noted(tmp_path):
                assert first.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < give_up
                time.sleep(0.02)
            first.kill()
        noted = lines_noted(tmp_path)
        assert 0 < noted < written[Source.CURRENT].total()
        partly = stored(stack, Source.CURRENT, written[Source.CURRENT])
        assert noted <= partly.total() < written[Source.CURRENT].total()
        with start_import(stack, tmp_path) as second:
            said, _ = second.communicate(timeout=PATIENCE)
        assert second.returncode == 0
        assert f"{written[Source.CURRENT].total():,} from executions.ndjson" in said.decode()
        for source, counts in written.items():
            assert stored(stack, source, counts) == counts
    assert not (tmp_path / ".import-checkpoint.json").exists()
