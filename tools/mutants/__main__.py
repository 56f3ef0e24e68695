"""Makes small mistakes in the code and the template, and says which of them no check notices.

    python -m tools.mutants record
    python -m tools.mutants run [--count 300] [--seed 0] [--out FILE] [AREA ...]
    python -m tools.mutants run --again FILE

``record`` runs all tests once, and records which functions each of them runs. ``run`` takes mutants
by chance, as many of each area, and runs the checks that concern them, in copies of what is
committed. ``--again`` runs those that were alive in an earlier run.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path, PurePath
from queue import SimpleQueue
from typing import Final

from tools.mutants import python_code, template
from tools.mutants.checks import Checks
from tools.mutants.mutant import Mutant
from tools.mutants.recorded_tests import RECORD, read_record

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".mutants"
"""What the tool keeps: the record of the tests, and the results of runs."""

RECORD_FOLDER: Final = FOLDER / "record"

AREAS: Final = {
    "domain": "layers/core",
    "functions": "functions",
    "usagectl": "usagectl",
    "template": "template.yaml",
}
_INSTALLED: Final = (".venv", ".venv-sam", ".venv-scan", ".dynamodb-local")
_PYTHON: Final = ".venv/bin/python"


def main(arguments: Sequence[str]) -> int:
    """Runs a command, and returns the exit code: 0 if all mutants were noticed, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("record", help="record which functions each test runs")
    run_parser = commands.add_parser("run", help="run mutants")
    run_parser.add_argument("--count", type=int, default=300, help="of all areas together")
    run_parser.add_argument("--seed", type=int, default=0, help="of the choice by chance")
    run_parser.add_argument("--workers", type=int, default=os.process_cpu_count() or 1)
    run_parser.add_argument("--out", type=Path, default=FOLDER / "results.jsonl")
    run_parser.add_argument("--again", type=Path, help="results of an earlier run")
    run_parser.add_argument(
        "areas", nargs="*", metavar="AREA", help=f"{', '.join(AREAS)}, or a path"
    )
    options = parser.parse_args(arguments)
    if options.command == "record":
        return record()
    mutants = (
        again(options.again)
        if options.again
        else chosen(options.areas or list(AREAS), options.count, options.seed)
    )
    return run(mutants, options.workers, options.out)


def record() -> int:
    """Runs all tests, and returns pytest's exit code."""
    for path in RECORD_FOLDER.glob("*.json"):
        path.unlink()
    command = [_PYTHON, "-m", "pytest", "-q", "-p", "tools.mutants.recorded_tests", "-n", "auto"]
    return subprocess.run(  # noqa: S603
        command, check=False, cwd=ROOT, env={**os.environ, RECORD: str(RECORD_FOLDER)}
    ).returncode


def chosen(areas: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Returns ``count`` mutants, the same number of each area; the same for the same seed."""
    choice = random.Random(seed)  # noqa: S311
    return [
        mutant
        for number, area in enumerate(areas)
        for mutant in choice.sample(
            mutants_of(area), count * (number + 1) // len(areas) - count * number // len(areas)
        )
    ]


def again(results: Path) -> list[Mutant]:
    """Returns the mutants that were alive in an earlier run, as the code is now."""
    lines = map(json.loads, results.read_text("utf-8").splitlines())
    names = {tuple(line["name"]) for line in lines if line["noticed"] is None}
    return [mutant for area in AREAS for mutant in mutants_of(area) if mutant.name in names]


def mutants_of(area: str) -> list[Mutant]:
    """Returns all mutants of the committed files of an area, or of a path."""
    command = ["git", "ls-files", "-s", AREAS.get(area, area)]
    listed = subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    mutants: list[Mutant] = []
    for line in listed.splitlines():
        mode, name = line.split()[0], line.split("\t")[1]
        of_kind = {".py": python_code.mutants_of, ".yaml": template.mutants_of}.get(
            PurePath(name).suffix
        )
        # Links are other areas' files.
        if of_kind is not None and mode != "120000":
            mutants += of_kind(PurePath(name), (ROOT / name).read_text("utf-8"))
    return mutants


def run(mutants: Sequence[Mutant], workers: int, out: Path) -> int:
    """Runs the checks of mutants, writes the results, and prints those that are alive."""
    checks = Checks(read_record(RECORD_FOLDER), ROOT)
    for name in sorted(checks.missing_programs()):
        _say(f"{name} is not installed, so what needs it checks no templates.")
    out.parent.mkdir(parents=True, exist_ok=True)
    alive = []
    with ExitStack() as stack, out.open("w") as results:
        free: SimpleQueue[Callable[[Mutant], str | None]] = SimpleQueue()
        for _ in range(workers):
            free.put(stack.enter_context(_worker(checks)))

        def noticed(mutant: Mutant) -> tuple[str | None, float]:
            began = time.monotonic()
            worker = free.get()
            try:
                return worker(mutant), time.monotonic() - began
            finally:
                free.put(worker)

        pool = stack.enter_context(ThreadPoolExecutor(workers))
        for mutant, (text, seconds) in zip(mutants, pool.map(noticed, mutants), strict=True):
            line = {"name": mutant.name, "line": mutant.line, "noticed": text}
            results.write(json.dumps({**line, "seconds": round(seconds, 1)}) + "\n")
            results.flush()
            if text is None:
                alive.append(mutant)
                _say(f"alive: {mutant}")
    _say(f"{len(alive)} of {len(mutants)} mutants are alive.")
    return 1 if alive else 0


@contextmanager
def _worker(checks: Checks) -> Iterator[Callable[[Mutant], str | None]]:
    """Yields a function that runs a mutant's checks in a copy of what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        subprocess.run(  # noqa: S603
            ["git", "clone", "--quiet", "--shared", str(ROOT), str(copy)], check=True
        )
        for name in _INSTALLED:
            (copy / name).symlink_to((ROOT / name).resolve())
        environment = {**os.environ, "PYTHONPATH": f"{copy / 'layers/core'}:{copy}"}
        with subprocess.Popen(  # noqa: S603
            [str(copy / _PYTHON), "-m", "tools.mutants.worker", str(RECORD_FOLDER)],
            cwd=copy,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            requests, responses = process.stdin, process.stdout

            def noticed(mutant: Mutant) -> str | None:
                job = {
                    "path": str(mutant.path),
                    "content": mutant.content(),
                    "checks": [asdict(check) for check in checks.of(mutant)],
                }
                requests.write(json.dumps(job) + "\n")
                requests.flush()
                text: str | None = json.loads(responses.readline())["noticed"]
                return text

            yield noticed


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
