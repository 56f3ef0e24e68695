"""Makes small mistakes in the code and the template, and says which of them no check notices.

    python -m tools.mutants record
    python -m tools.mutants run [--count 300] [--seed 0] [--out FILE] [AREA ...]
    python -m tools.mutants run --again FILE

``record`` runs all tests once, and records which functions each of them runs. ``run`` takes mutants
by chance, the same number of each area, and runs the checks that concern them, in copies of the
last commit. ``--again`` runs those that were alive in an earlier run.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.mutants.checks import missing_programs
from tools.mutants.choice import AREAS, RefusedRun, again, chosen
from tools.mutants.mutant import Mutant
from tools.mutants.recorded_tests import RECORD, read_record
from tools.mutants.run import PYTHON, run_mutants, write_results

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".mutants"
"""What the tool keeps: the record of the tests, and the results of runs."""

RECORD_FOLDER: Final = FOLDER / "record"


def main(arguments: Sequence[str]) -> int:
    """Runs a command, and returns the exit code.

    It is 0 if all mutants were noticed, 1 if some are alive, 2 if nothing could be run, or pytest's
    own after ``record``.
    """
    options = _parser().parse_args(arguments)
    if options.command == "record":
        return record()
    try:
        mutants = (
            again(ROOT, options.again)
            if options.again
            else chosen(ROOT, options.areas or list(AREAS), options.count, options.seed)
        )
        return run(mutants, options.workers, options.out)
    except RefusedRun as error:
        _say(f"Nothing was run: {error}.")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("record", help="record which functions each test runs")
    run_parser = commands.add_parser("run", help="run mutants")
    run_parser.add_argument("--count", type=int, default=300, help="of all areas together (300)")
    run_parser.add_argument("--seed", type=int, default=0, help="of the choice by chance (0)")
    run_parser.add_argument(
        "--workers",
        type=int,
        default=os.process_cpu_count() or 1,
        help="how many run at a time (one for each CPU)",
    )
    run_parser.add_argument(
        "--out",
        type=Path,
        default=FOLDER / "results.jsonl",
        help="the file of the results (.mutants/results.jsonl)",
    )
    run_parser.add_argument("--again", type=Path, help="results of an earlier run")
    run_parser.add_argument(
        "areas", nargs="*", metavar="AREA", help=f"{', '.join(AREAS)}, or a path (all areas)"
    )
    return parser


def record() -> int:
    """Runs all tests, and returns pytest's exit code."""
    for path in RECORD_FOLDER.glob("*.json"):
        path.unlink()
    command = [PYTHON, "-m", "pytest", "-q", "-p", "tools.mutants.recorded_tests"]
    command += ["-n", "auto", "--dist", "loadgroup"]
    environment = {**os.environ, RECORD: str(RECORD_FOLDER)}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode  # noqa: S603


def run(mutants: Sequence[Mutant], workers: int, out: Path) -> int:
    """Runs mutants, prints those that are alive, and returns 1 if there are any, otherwise 0.

    Raises:
        RefusedRun: it isn't known which test runs which function.
    """
    if not read_record(RECORD_FOLDER):
        raise RefusedRun("there is no record of the tests; python -m tools.mutants record makes it")
    for name in sorted(missing_programs(ROOT)):
        _say(f"{name} is not installed, so what needs it checks no templates.")
    alive = 0
    for result in write_results(out, run_mutants(ROOT, RECORD_FOLDER, mutants, workers)):
        if result.noticed is None:
            alive += 1
            _say(f"alive: {result.mutant}")
    _say(f"{alive} of {len(mutants)} mutants are alive.")
    return 1 if alive else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
