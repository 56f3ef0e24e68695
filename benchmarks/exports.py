"""Measures exports of a large workspace: the exporter's package, in a process of its own."""

import gzip
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final, get_args

from benchmarks.large_data_set import FIRST_CREATED_AT
from benchmarks.measured_store import SPAN, MeasuredStore
from benchmarks.packages import ours
from benchmarks.process import run_cold
from workspace_usage.access.scope import WholeWorkspace
from workspace_usage.exporting.export import Export, Owner
from workspace_usage.exporting.formats import Format
from workspace_usage.exporting.store import ExportStore
from workspace_usage.rows.store import Selection
from workspace_usage.rows.window import between

MIN_ROWS_OF_CPU: Final = 10_000
"""The fewest rows that are to be exported in a second of CPU."""

_FORMATS: Final[tuple[Format, ...]] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export takes.

    Attributes:
        file_format: the file's format.
        rows: the rows in it.
        size: the file's bytes, compressed.
        cpu: seconds of CPU of the whole process, its start included.
        seconds: how long it took.
        peak: the most bytes of memory that the process had.
    """

    file_format: Format
    rows: int
    size: int
    cpu: float
    seconds: float
    peak: int

    @property
    def rows_of_cpu(self) -> float:
        """Rows that are exported in a second of CPU."""
        return self.rows / self.cpu


def measure(store: MeasuredStore, workspace_id: int) -> list[Exported]:
    """Exports all rows of a workspace in each format.

    Raises:
        AssertionError: a file has not as many lines as there are rows.
    """
    return [_measure(store, workspace_id, file_format) for file_format in _FORMATS]


def missed_targets(exported: list[Exported]) -> list[str]:
    """Returns the names of the exports that took too much CPU."""
    return [f"export as {one.file_format}" for one in exported if one.rows_of_cpu < MIN_ROWS_OF_CPU]


def table(exported: list[Exported]) -> Iterator[str]:
    """Yields lines of text."""
    yield (
        f"{'format':8} {'rows':>10} {'MB':>7} {'seconds':>8} {'rows a second of CPU':>21}"
        f" {'target':>8} {'peak memory, MB':>16}"
    )
    for one in exported:
        yield (
            f"{one.file_format:8} {one.rows:10,} {one.size / 1e6:7.1f} {one.seconds:8.1f}"
            f" {one.rows_of_cpu:21,.0f} {MIN_ROWS_OF_CPU:8,} {one.peak / 1e6:16.0f}"
        )


def _measure(store: MeasuredStore, workspace_id: int, file_format: Format) -> Exported:
    stack = store.deployment.stack
    names = stack.template.resources
    exports = ExportStore(store.resources.dynamodb, names["ExportsTable"].name)
    export = _new_export(workspace_id, file_format)
    exports.start(export)
    body = json.dumps({**export.owner._asdict(), "export_id": export.id})
    record = {"messageId": "1", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
    began = perf_counter()
    variables = store.deployment.variables("exporter")
    measured = run_cold(ours("exporter"), variables, {"Records": [record]})
    seconds = perf_counter() - began
    done = exports.read(export.owner, export.id)
    assert done is not None  # noqa: S101 - a benchmark
    assert done.status == "done", measured.result  # noqa: S101 - a benchmark
    file: Any = stack.clients.s3.get_object(
        Bucket=names["ExportsBucket"].name, Key=export.object_key
    )
    content = file["Body"].read()
    lines = gzip.decompress(content).count(b"\n") - (file_format == "csv")
    assert lines == done.progress.rows  # noqa: S101 - a benchmark
    return Exported(
        file_format=file_format,
        rows=done.progress.rows,
        size=len(content),
        cpu=measured.cpu,
        seconds=seconds,
        peak=measured.peak or 0,
    )


def _new_export(workspace_id: int, file_format: Format) -> Export:
    now, scope = datetime.now(UTC), WholeWorkspace(workspace_id)
    window = between(FIRST_CREATED_AT.date(), (FIRST_CREATED_AT + SPAN).date(), UTC)
    return Export(
        owner=Owner(workspace_id, 1),
        id=secrets.token_hex(16),
        format=file_format,
        scope=scope,
        selection=Selection.of(scope, None, window),
        file_name=f"usage.{file_format}.gz",
        created_at=now,
        written_at=now,
    )
