"""Runs the checks of mutants in a copy of the project, one after the other.

It reads a job a line from standard input (JSON: ``path``, ``content``, and ``checks``), and answers
with a line: ``noticed``, the text of the check that failed, or null if the mutant is still alive.

pytest runs in a fork of this process, which has imported the libraries that take long.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Final

# Not the plugins of pytest, nor what those import: pytest rewrites their assertions first.
import boto3  # noqa: F401
import botocore.session  # noqa: F401
import orjson  # noqa: F401
import pydantic  # noqa: F401
import pytest
import samtranslator.translator.translator  # noqa: F401
import yaml  # noqa: F401

from tools.mutants.recorded_tests import read_record


class Selection:
    """Runs the chosen tests in their order, then those of the same files that nobody has recorded.

    Args:
        chosen: the node ids of the tests to run.
        recorded: the node ids of all recorded tests.

    With none chosen, it runs all.
    """

    def __init__(self, chosen: Sequence[str], recorded: Container[str]) -> None:
        self._places = {node_id: place for place, node_id in enumerate(chosen)}
        self._recorded = recorded

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [
            item
            for item in items
            if not self._places or item.nodeid in self._places or item.nodeid not in self._recorded
        ]
        items[:] = sorted(kept, key=lambda item: self._places.get(item.nodeid, len(self._places)))


_OPTIONS: Final = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", "-n", "0")
_EXIT_CODES_OF_PASSES: Final = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
_MAX_LENGTH: Final = 200


def main(record: Path) -> None:
    """Runs jobs until there are no more.

    Args:
        record: the folder of what was recorded of the tests.
    """
    recorded = read_record(record)
    for number, line in enumerate(sys.stdin):
        job = json.loads(line)
        path = Path(job["path"])
        content, times = path.read_bytes(), path.stat()
        path.write_text(job["content"], "utf-8")
        # Python takes bytecode from its cache by the time of the source in seconds and its size.
        os.utime(path, (number, number))
        try:
            noticed = next(
                filter(None, (failure_of(check, recorded) for check in job["checks"])), None
            )
        finally:
            path.write_bytes(content)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        print(json.dumps({"noticed": noticed}), flush=True)


def failure_of(check: dict[str, Any], recorded: Container[str]) -> str | None:
    """Runs a check, and returns what it says if it fails, or None if it passes.

    Args:
        check: the fields of a ``Check``.
        recorded: the node ids of all recorded tests.
    """
    output = Path("mutant-output.txt")
    pid = os.fork()
    if pid == 0:
        _run(check, recorded, output)
    status = _wait(pid, check["timeout"])
    # Servers and browsers that a failed test leaves.
    _kill(pid)
    if status is None:
        return "timeout"
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    return _reason(output.read_text("utf-8", "replace")) or f"exit code {code}"


def _run(check: dict[str, Any], recorded: Container[str], output: Path) -> None:
    """Runs a check in a new process, and ends it."""
    os.setsid()
    with output.open("w") as file, Path(os.devnull).open() as nothing:
        # A check must not read the next job.
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = 1
    try:
        if check["command"]:
            code = subprocess.run(check["command"], check=False).returncode  # noqa: S603
        else:
            paths = [path for path in check["paths"] if Path(path).exists()]
            selection = Selection(check["tests"], recorded)
            result = pytest.main([*_OPTIONS, *paths], [selection]) if paths else 0
            code = 0 if result in _EXIT_CODES_OF_PASSES else int(result)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _wait(pid: int, timeout: float) -> int | None:
    """Waits for a process, and returns its status, or None if it takes longer."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.02)
    _kill(pid)
    os.waitpid(pid, 0)
    return None


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reason(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    failures = [line for line in lines if line.startswith(("FAILED", "ERROR", "[E"))]
    return (failures or lines or [""])[-1][:_MAX_LENGTH]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
