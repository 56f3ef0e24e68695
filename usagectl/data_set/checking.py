"""Reads a data set's files of payloads, and checks their lines in several processes.

The lines come out in the file's order, whatever process has checked them. A small file is checked
without other processes, which take a moment to start.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from usagectl.data_set.encoded_items import CheckedLine, NumberedLine, check_lines
from usagectl.data_set.payload_files import PayloadFile, read_lines
from usagectl.errors import LoadError, UnreadableFile

LINES_PER_BATCH: Final = 1_000
"""Lines that a process checks at once."""

LINES_WITHOUT_PROCESSES: Final = 5_000
"""The first lines of a file, which are checked in this process."""

_MAX_PROCESSES: Final = 4
"""More can't be used: this process would not write as fast as they check."""

_BATCHES_AHEAD: Final = 2
"""Batches for each process that are in work or wait to be written."""

type _Task = tuple[str, str, list[NumberedLine]]


class LineChecker:
    """Checks lines, in other processes if there are many. Leaving its context ends these."""

    def __init__(self) -> None:
        self._max_processes = min(os.process_cpu_count() or 1, _MAX_PROCESSES)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle = SimpleQueue[subprocess.Popen[bytes]]()
        self._executor = ThreadPoolExecutor(self._max_processes)

    def read(self, path: Path, file: PayloadFile, after: int = 0) -> Iterator[CheckedLine]:
        """Yields each line after line ``after``, checked. Blank lines are left out.

        Raises:
            UnreadableFile: the file can't be read, or not to its end. All lines before that are
                yielded first.
            LoadError: a process that checks lines has ended.
        """
        batches = _batches(read_lines(path, after))
        checked = 0
        for batch in batches:
            if checked >= LINES_WITHOUT_PROCESSES and self._max_processes > 1:
                yield from self._check_ahead(chain([batch], batches), path, file)
                return
            yield from check_lines(batch, file, path.name)
            checked += len(batch)

    def _check_ahead(
        self, batches: Iterator[list[NumberedLine]], path: Path, file: PayloadFile
    ) -> Iterator[CheckedLine]:
        self._start()
        ahead: deque[Future[list[CheckedLine]]] = deque()
        failure: UnreadableFile | None = None
        try:
            for batch in batches:
                ahead.append(self._executor.submit(self._check, (file.name, path.name, batch)))
                if len(ahead) > _BATCHES_AHEAD * self._max_processes:
                    yield from ahead.popleft().result()
        except UnreadableFile as error:
            failure = error
        while ahead:
            yield from ahead.popleft().result()
        if failure is not None:
            raise failure

    def _start(self) -> None:
        while len(self._processes) < self._max_processes:
            process = _start_process()
            self._processes.append(process)
            self._idle.put(process)

    def _check(self, task: _Task) -> list[CheckedLine]:
        process = self._idle.get()
        assert process.stdin is not None  # noqa: S101 - a pipe
        assert process.stdout is not None  # noqa: S101 - a pipe
        try:
            pickle.dump(task, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            checked: list[CheckedLine] = pickle.load(process.stdout)  # noqa: S301 - our own process
        except (EOFError, OSError, pickle.UnpicklingError):
            raise LoadError(
                "A process that checks lines has ended, perhaps for want of memory. Start the"
                " command again."
            ) from None
        finally:
            self._idle.put(process)
        return checked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown(cancel_futures=True)
        for process in self._processes:
            process.communicate()


def _batches(lines: Iterator[NumberedLine]) -> Iterator[list[NumberedLine]]:
    """Yields lines in batches. Lines before an error are yielded before it is raised."""
    batch: list[NumberedLine] = []
    try:
        for line in lines:
            batch.append(line)
            if len(batch) == LINES_PER_BATCH:
                yield batch
                batch = []
    except UnreadableFile:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _start_process() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "usagectl.data_set.check_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        # Ctrl-C is for the import alone, which then ends this process.
        process_group=0,
    )
