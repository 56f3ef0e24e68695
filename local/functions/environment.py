"""Lambda's execution environment: a process that runs a function, one event at a time."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from local.functions.configuration import FunctionConfiguration
from local.functions.invocation import NoResult, Result
from local.functions.worker import END_OF_EVENT
from local.log import WriteLine

START_TIMEOUT: Final = 30.0
"""Seconds that importing the handler may take. Lambda allows ten, but has an idle processor."""

LOG_TIMEOUT: Final = 1.0
"""Seconds to wait for the lines that a function wrote before it returned."""

_WORKER: Final = Path(__file__).with_name("worker.py")


class ExecutionEnvironment:
    """A process that runs a function; it starts in the background.

    Args:
        configuration: the function's.
        log: takes each line that the function writes.

    Attributes:
        is_alive: whether it can handle another event.
    """

    def __init__(self, configuration: FunctionConfiguration, log: WriteLine) -> None:
        self.is_alive = True
        self._configuration = configuration
        self._is_ready = False
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-P", "-u", str(_WORKER), str(there.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=configuration.folder,
                env=dict(configuration.environment),
                pass_fds=[there.fileno()],
                # Ctrl-C in the terminal is for the stack, which then ends this process.
                process_group=0,
            )
        self._connection = Connection(here.detach())
        self._logs: SimpleQueue[tuple[str, tuple[str, ...]]] = SimpleQueue()
        self._logger = Thread(target=self._copy_log, args=(log,), daemon=True)
        self._logger.start()

    def handle(self, event: bytes, patience: float) -> Result:
        """Returns the function's result for one event.

        Args:
            event: JSON.
            patience: seconds that the caller waits.

        Raises:
            NoResult: the caller stopped waiting before the function's time-out.
        """
        deadline = time.monotonic() + patience
        try:
            if not self._is_ready:
                error = self._wait_for_start(patience)
                if error is not None:
                    return error
            return self._invoke(event, deadline - time.monotonic())
        except (EOFError, OSError):
            self.kill()
            status = self._process.wait()
            return Result.error("Runtime.ExitError", f"Runtime exited with status {status}")

    def kill(self) -> None:
        """Kills the process, whatever it is doing; a thread in ``handle`` gets an error."""
        self.is_alive = False
        # And the processes that it started: they could live on, and keep its output open.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kills the process and frees what it used. No thread may be in ``handle``."""
        self.kill()
        self._process.wait()
        self._connection.close()
        self._logger.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _wait_for_start(self, patience: float) -> Result | None:
        """Waits until the handler is imported; returns the error if it can't be, or None."""
        if not self._connection.poll(min(patience, START_TIMEOUT)):
            self.kill()
            if patience < START_TIMEOUT:
                raise NoResult
            return Result.error("Sandbox.Timedout", "the handler's module takes too long to import")
        first = self._connection.recv_bytes()
        self._is_ready = self.is_alive = first == b"="
        return None if self._is_ready else Result(first[1:], is_error=True)

    def _invoke(self, event: bytes, patience: float) -> Result:
        request_id, timeout = uuid.uuid4(), self._configuration.timeout
        head = f"{request_id} {time.time() + timeout} {self._configuration.arn}\n".encode()
        self._connection.send_bytes(head + event)
        if self._connection.poll(max(0.0, min(patience, timeout))):
            response = self._connection.recv_bytes()
            return Result(response[1:], response[:1] == b"!", self._log_of(str(request_id)))
        self.kill()
        if patience < timeout:
            raise NoResult
        return Result.error(
            "Sandbox.Timedout",
            f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
        )

    def _copy_log(self, log: WriteLine) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        lines: list[str] = []
        for content in self._process.stdout:
            line, is_end, request_id = (
                content.decode(errors="replace").rstrip().partition(END_OF_EVENT)
            )
            if line or not is_end:
                log(line)
                lines.append(line)
            if is_end:
                self._logs.put((request_id, tuple(lines)))
                lines.clear()

    def _log_of(self, request_id: str) -> tuple[str, ...]:
        """Returns the lines that the function wrote for one event, after it returned."""
        with suppress(Empty):
            while True:
                logged_id, lines = self._logs.get(timeout=LOG_TIMEOUT)
                if logged_id == request_id:
                    return lines
        return ()
