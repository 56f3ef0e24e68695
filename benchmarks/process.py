"""Runs packages in fresh processes and measures their CPU."""

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
class Reply:
    """A handler's answer, and the seconds of CPU that it took."""

    answer: Any
    cpu: float


class Process:
    """A warm process of a function."""

    def __init__(self, process: subprocess.Popen[str], answers: IO[str]) -> None:
        self._process = process
        self._answers = answers

    def ask(self, event: object) -> Reply:
        """The answer to one event.

        Raises:
            RuntimeError: the process ended instead.
        """
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError("the function's process has ended; its error is above")
        reply = json.loads(line)
        return Reply(reply["answer"], reply["cpu"])


@contextmanager
def running(package: Package, variables: Mapping[str, str]) -> Iterator[Process]:
    """A function's process, for as many events as wanted."""
    process, answers = _start(package, variables)
    with process, answers:
        yield Process(process, answers)


def cold(package: Package, variables: Mapping[str, str], event: object) -> Reply:
    """The answer to a process's only event; its CPU is all that the process took, from its start.

    Raises:
        RuntimeError: there was no answer.
    """
    process, answers = _start(package, variables)
    assert process.stdin is not None  # noqa: S101 - a pipe
    with answers:
        process.stdin.write(json.dumps(event) + "\n")
        process.stdin.close()
        line = answers.readline()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not line:
        raise RuntimeError("the function's process has ended; its error is above")
    return Reply(json.loads(line)["answer"], usage.ru_utime + usage.ru_stime)


def restored(package: Package, variables: Mapping[str, str], event: object) -> Reply:
    """The answer to the first event after a snapshot was restored; what came before is not counted.

    Raises:
        RuntimeError: there was no answer.
    """
    process, answers = _start(package, variables, "snapshot")
    with process, answers:
        return Process(process, answers).ask(event)


def bare(package: Package | None = None, code: str = "pass") -> float:
    """The seconds of CPU that Python takes to run ``code``, with a package's layers at hand."""
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


def leave_a_core() -> None:
    """Keeps this process, and all that it starts from now on, off the core that is measured on.

    Elsewhere the store would take turns there with the function, and cool its caches.
    """
    cores = _cores()
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[:-1]))


def _give_a_core(pid: int) -> None:
    cores = _cores()
    if cores:
        os.sched_setaffinity(pid, {cores[-1]})


def _cores() -> list[int]:
    """All cores; none where processes can't be told which to use."""
    return list(range(os.cpu_count() or 1)) if hasattr(os, "sched_setaffinity") else []
