"""Measures imports into DynamoDB Local: CPU of all processes of the command, and their memory."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Final

from benchmarks.large_data_set import FILES_AND_SHARES, write_large_data_set
from benchmarks.measured_store import SPAN
from benchmarks.packages import ROOT
from local.dynamodb.process import DynamoDBLocal
from local.stack import Stack
from usagectl.local_endpoint import CREDENTIALS, REGION
from workspace_usage.rows.row import Source

MIN_ROWS_OF_CPU: Final = 6_000
"""The fewest rows that are to be imported in a second of CPU."""

_USERS: Final = 200
_SECONDS_BETWEEN_SAMPLES: Final = 0.1

type Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What one command takes.

    Attributes:
        name: what it does.
        rows: how many rows it reads.
        cpu: seconds of CPU of all of its processes.
        seconds: how long it took.
        peak: the most bytes of memory that its processes had together, or None if nobody knows.
        target: the fewest rows of a second of CPU, or None.
    """

    name: str
    rows: int
    cpu: float
    seconds: float
    peak: int | None
    target: int | None = None

    @property
    def rows_of_cpu(self) -> float:
        """Rows that are dealt with in a second of CPU."""
        return self.rows / self.cpu


def measure(rows: int) -> Iterator[Imported]:
    """Imports a data set with a tenth of the rows and one with all, and yields what each takes.

    The baseline loads the smaller one's current executions.

    Raises:
        StartError: the store can't be started.
        subprocess.CalledProcessError: a command failed.
    """
    with (
        TemporaryDirectory() as name,
        DynamoDBLocal() as engine,
        Stack.start(dynamodb_endpoint=engine.url) as stack,
    ):
        small, large = Path(name, "small"), Path(name, "large")
        for folder, number in ((small, rows // 10), (large, rows)):
            write_large_data_set(folder, number, span=SPAN, users=_USERS)
        file, share = FILES_AND_SHARES[Source.CURRENT]
        table = stack.template.resources["ExecutionsTable"].name
        plain = ["benchmarks.baseline.load", str(small / file), table, engine.url]
        yield _run("baseline", round(rows // 10 * share), plain)
        usagectl = ["usagectl", "--endpoint", stack.url]
        for folder, number in ((small, rows // 10), (large, rows)):
            command = [*usagectl, "import", str(folder)]
            # Of a small import, starting the command is the larger part.
            yield _run("import", number, command, MIN_ROWS_OF_CPU if number == rows else None)
        yield _run("import --dry-run", rows, [*usagectl, "import", str(large), "--dry-run"])
        yield _run("prepare", rows, [*usagectl, "prepare", str(large), str(Path(name, "files"))])


def missed_targets(imported: Sequence[Imported]) -> list[str]:
    """Returns the names of the imports that took too much CPU."""
    return [
        f"{one.name} of {one.rows:,}" for one in imported if one.rows_of_cpu < (one.target or 0)
    ]


def table(imported: Sequence[Imported]) -> Iterator[str]:
    """Yields lines of text."""
    yield (
        f"{'command':17} {'rows':>10} {'seconds':>8} {'rows a second':>14}"
        f" {'rows a second of CPU':>21} {'target':>7} {'cores':>6} {'peak memory, MB':>16}"
    )
    for one in imported:
        yield (
            f"{one.name:17} {one.rows:10,} {one.seconds:8.1f} {one.rows / one.seconds:14,.0f}"
            f" {one.rows_of_cpu:21,.0f} {f'{one.target:,}' if one.target else '-':>7}"
            f" {one.cpu / one.seconds:6.2f}"
            f" {'-' if one.peak is None else f'{one.peak / 1e6:.0f}':>16}"
        )


def _run(name: str, rows: int, command: Command, target: int | None = None) -> Imported:
    """Runs a module of Python as a command."""
    environment = {
        **os.environ,
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers" / "core"), str(ROOT)]),
    }
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL
    )
    with _MemoryMeter(process.pid) as memory:
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Imported(
        name=name,
        rows=rows,
        cpu=usage.ru_utime + usage.ru_stime,
        seconds=perf_counter() - began,
        peak=memory.peak,
        target=target,
    )


class _MemoryMeter:
    """Looks again and again at the memory of a process and its children, while in its context."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._is_over = Event()
        self._thread = Thread(target=self._look)
        self.peak: int | None = None

    def _look(self) -> None:
        while not self._is_over.wait(_SECONDS_BETWEEN_SAMPLES):
            used = sum(map(_memory_of, [self._pid, *_children_of(self._pid)]))
            if used:
                self.peak = max(used, self.peak or 0)

    def __enter__(self) -> "_MemoryMeter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def _children_of(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in _read(task / "children").split()]
    except OSError:
        return []


def _memory_of(pid: int) -> int:
    """Returns a process's bytes of memory; each shared page counts in part. 0 if nobody knows."""
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
