"""Runs the checks of mutants in copies of the project, several at a time."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final, cast

from tools.mutants.checks import Check, Checks
from tools.mutants.mutant import Mutant
from tools.mutants.recorded_tests import read_record

PYTHON: Final = ".venv/bin/python"
_INSTALLED: Final = (".venv", ".venv-sam", ".venv-scan", ".dynamodb-local")
"""What git doesn't have, and checks use."""

type RunChecks = Callable[[Mutant, Sequence[Check]], str | None]
"""Runs checks of a mutant; returns what the first one that fails says, or None if all pass."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: the mutant.
        noticed: what the check that noticed it says, or None if it is alive.
        seconds: how long its checks took.
    """

    mutant: Mutant
    noticed: str | None
    seconds: float


def run_mutants(
    root: Path, record: Path, mutants: Sequence[Mutant], workers: int
) -> Iterator[Result]:
    """Runs the checks of mutants, and yields the results in their order.

    Args:
        root: the project's folder.
        record: the folder of what was recorded of the tests.
        mutants: the mutants.
        workers: how many are run at a time.
    """
    checks = Checks(read_record(record), root)
    with ExitStack() as stack:
        free: SimpleQueue[RunChecks] = SimpleQueue()
        for _ in range(workers):
            free.put(stack.enter_context(worker(root, record)))

        def run(mutant: Mutant) -> Result:
            began = time.monotonic()
            run_checks = free.get()
            try:
                noticed = run_checks(mutant, checks.of(mutant))
            finally:
                free.put(run_checks)
            return Result(mutant, noticed, time.monotonic() - began)

        pool = stack.enter_context(ThreadPoolExecutor(workers))
        yield from pool.map(run, mutants)


def write_results(out: Path, results: Iterable[Result]) -> Iterator[Result]:
    """Writes each result as a line of JSON into a file, and yields it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for result in results:
            line = {
                "name": result.mutant.name,
                "line": result.mutant.line,
                "noticed": result.noticed,
                "seconds": round(result.seconds, 1),
            }
            file.write(json.dumps(line) + "\n")
            file.flush()
            yield result


@contextmanager
def worker(root: Path, record: Path) -> Iterator[RunChecks]:
    """Yields a function that runs checks in a copy of what is committed, one mutant at a time.

    Args:
        root: the project's folder.
        record: the folder of what was recorded of the tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(root, Path(folder) / "copy")
        command = [str(copy / PYTHON), "-m", "tools.mutants.worker", str(record)]
        environment = {**os.environ, "PYTHONPATH": f"{copy / 'layers/core'}:{copy}"}
        with subprocess.Popen(  # noqa: S603
            command,
            cwd=copy,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            # The process has both, because they are pipes.
            requests = cast("IO[str]", process.stdin)
            responses = cast("IO[str]", process.stdout)

            def run_checks(mutant: Mutant, checks: Sequence[Check]) -> str | None:
                job = {
                    "path": str(mutant.path),
                    "content": mutant.content(),
                    "checks": [asdict(check) for check in checks],
                }
                requests.write(json.dumps(job) + "\n")
                requests.flush()
                noticed: str | None = json.loads(responses.readline())["noticed"]
                return noticed

            yield run_checks


def _copy(root: Path, folder: Path) -> Path:
    """Copies what is committed into a new folder, and returns it."""
    command = ["git", "clone", "--quiet", "--shared", str(root), str(folder)]
    subprocess.run(command, check=True)  # noqa: S603
    for name in _INSTALLED:
        installed = root / name
        if installed.exists() and not (folder / name).exists():
            (folder / name).symlink_to(installed.resolve())
    return folder
