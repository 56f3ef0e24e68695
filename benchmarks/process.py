"""Runs packages in new processes, and measures their CPU."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.packages import Package, environment, interpreter

_CHILD: Final = Path(__file__).with_name("handler_process.py")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a handler did.

    Attributes:
        result: its result.
        cpu: the seconds of CPU that it took.
        peak: the most bytes of memory that its process has had, or None if nobody knows.
    """

    result: Any
    cpu: float
    peak: int | None


class Process:
    """A warm process of a function."""

    def __init__(self, process: subprocess.Popen[str], results: IO[str]) -> None:
        self._process = process
        self._results = results

    def invoke(self, event: object) -> Measurement:
        """Handles one event.

        Raises:
            RuntimeError: the process ended.
        """
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._results.readline()
        if not line:
            raise RuntimeError("the function's process has ended; its error is above")
        measured = json.loads(line)
        return Measurement(measured["result"], measured["cpu"], measured["peak"])


@contextmanager
def running(package: Package, variables: Mapping[str, str]) -> Iterator[Process]:
    """Runs a function's process, for any number of events."""
    process, results = _start(package, variables)
    with process, results:
        yield Process(process, results)


def run_cold(package: Package, variables: Mapping[str, str], event: object) -> Measurement:
    """Starts a process for one event; its CPU is that of the whole process.

    Raises:
        RuntimeError: the process ended without a result.
    """
    process, results = _start(package, variables)
    assert process.stdin is not None  # noqa: S101 - a pipe
    with results:
        process.stdin.write(json.dumps(event) + "\n")
        process.stdin.close()
        line = results.readline()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not line:
        raise RuntimeError("the function's process has ended; its error is above")
    measured = json.loads(line)
    return Measurement(measured["result"], usage.ru_utime + usage.ru_stime, measured["peak"])


def run_restored(package: Package, variables: Mapping[str, str], event: object) -> Measurement:
    """Handles the first event after the restore of a snapshot; earlier CPU does not count.

    Raises:
        RuntimeError: the process ended without a result.
    """
    process, results = _start(package, variables, "snapshot")
    with process, results:
        return Process(process, results).invoke(event)


def run_python(package: Package | None = None, code: str = "pass") -> float:
    """Runs ``code`` in a new Python with a package's layers; returns its seconds of CPU."""
    variables = None if package is None else environment({}, package)
    command = [interpreter(), "-S", "-s", "-c", code]
    with subprocess.Popen(command, env=variables) as process:  # noqa: S603 - our own command
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _start(
    package: Package, variables: Mapping[str, str], *options: str
) -> tuple[subprocess.Popen[str], IO[str]]:
    reading, writing = os.pipe()
    command = [interpreter(), "-S", "-s", str(_CHILD), str(package.folder), package.module]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, str(writing), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment(variables, package),
        pass_fds=[writing],
        text=True,
    )
    os.close(writing)
    _give_a_core(process.pid)
    return process, os.fdopen(reading)


@contextmanager
def leaving_a_core() -> Iterator[None]:
    """Keeps this process, and those that it starts meanwhile, off the measured core.

    Otherwise the store would run there in turns with the function, and cool its caches.
    """
    cores = _cores()
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[:-1]))
    try:
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, set(cores))


def _give_a_core(pid: int) -> None:
    cores = _cores()
    if cores:
        os.sched_setaffinity(pid, {cores[-1]})


def _cores() -> list[int]:
    """Returns all cores, or none if processes can't be bound to cores here."""
    return list(range(os.cpu_count() or 1)) if hasattr(os, "sched_setaffinity") else []
