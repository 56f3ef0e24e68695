"""An operator's import that is interrupted and started again, on DynamoDB Local."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.large_data_set import FILES_AND_SHARES, write_large_data_set
from local.dynamodb.process import DynamoDBLocal
from local.stack import Stack
from tests.support.functions import ROOT
from workspace_usage.rows.row import Source

pytestmark = pytest.mark.xdist_group("dynamodb-local")

ROWS = 14_000
"""The largest file has 11,200 of them: the import notes how far it is three times."""

TIMEOUT_SECONDS = 120.0
TABLES = {
    Source.CURRENT: "ExecutionsTable",
    Source.ARCHIVED: "ArchivedExecutionsTable",
    Source.EDITED: "EditedChatsTable",
}


def start_import(stack: Stack, folder: Path, cpus: int) -> subprocess.Popen[bytes]:
    """Starts ``usagectl import`` as a process, which checks lines on some processors."""
    return subprocess.Popen(
        [sys.executable, "-m", "usagectl", "--endpoint", stack.url, "import", str(folder)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core"), str(ROOT)]),
            "PYTHON_CPU_COUNT": str(cpus),
        },
        stdout=subprocess.PIPE,
    )


def lines_noted(folder: Path) -> int:
    """Returns how many lines of the largest file the checkpoint notes as done."""
    try:
        notes: Any = json.loads((folder / ".import-checkpoint.json").read_text("utf-8"))
    except FileNotFoundError:
        return 0
    lines: int = notes["parts"].get(FILES_AND_SHARES[Source.CURRENT][0], ("", {"lines": 0}))[1][
        "lines"
    ]
    return lines


def stored(stack: Stack, source: Source, workspaces: Counter[int]) -> Counter[int]:
    """Returns how many rows of each workspace a table has."""
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


def spoil(folder: Path, source: Source) -> list[str]:
    """Adds a line that can't be used to each thousand. Returns their places in the report."""
    (name, *_) = FILES_AND_SHARES[source]
    lines = (folder / name).read_text("utf-8").splitlines(keepends=True)
    places: list[str] = []
    with (folder / name).open("w", encoding="utf-8") as file:
        for number, line in enumerate(lines):
            if number % 1000 == 999:
                file.write('{"id": 1e99999999999999999999}\n')
                places.append(f"{name}:{number + 1 + len(places)}")
            file.write(line)
    return places


def reported(folder: Path) -> list[str]:
    """Returns the places that the report names."""
    try:
        report = (folder / ".rejected.txt").read_text("utf-8")
    except FileNotFoundError:
        return []
    return [line.partition(": ")[0] for line in report.splitlines()]


def noted_or_ended(process: subprocess.Popen[bytes], folder: Path, lines: int) -> bool:
    """Waits until more than ``lines`` are noted. Returns False if the import ended before."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while lines_noted(folder) <= lines:
        if process.poll() is not None:
            return False
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return True


def test_an_import_that_is_interrupted_again_and_again_loads_every_row_once(
    engine: DynamoDBLocal, tmp_path: Path
) -> None:
    """At each checkpoint, by a signal that it handles or not: nothing is missing or there twice.

    Neither a row nor a rejected line.
    """
    written = write_large_data_set(tmp_path, ROWS)
    places = [place for source in written for place in spoil(tmp_path, source)]
    total = written[Source.CURRENT].total()
    noted, endings = 0, 0
    with Stack.start(dynamodb_endpoint=engine.url) as stack:
        while True:
            # Each signal meets an import that checks lines in other processes.
            with start_import(stack, tmp_path, cpus=2 if endings < 2 else 1) as running:
                number = (signal.SIGTERM, signal.SIGKILL)[endings % 2]
                if noted_or_ended(running, tmp_path, noted):
                    running.send_signal(number)
                    running.wait(TIMEOUT_SECONDS)
                else:
                    output = running.communicate()[0].decode()
                    break
            endings += 1
            noted = lines_noted(tmp_path)
            assert running.returncode == (130 if number == signal.SIGTERM else -number)
            # The report has each line that is noted as dealt with.
            name = FILES_AND_SHARES[Source.CURRENT][0]
            dealt_with = [
                p for p in places if p.startswith(name) and int(p[len(name) + 1 :]) <= noted
            ]
            assert set(dealt_with) <= set(reported(tmp_path))
            assert stored(stack, Source.CURRENT, written[Source.CURRENT]).total() <= total
        assert endings > 1
        assert running.returncode == 3
        assert f"{total:,} from executions.ndjson" in output
        for source, counts in written.items():
            assert stored(stack, source, counts) == counts
    assert reported(tmp_path) == places
    assert f"{len(places)} lines or files can't be used" in output
    assert not (tmp_path / ".import-checkpoint.json").exists()
