"""A process that runs a function, with one event at a time: Lambda's execution environment."""

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

TIME_TO_START: Final = 30.0
"""Seconds in which a handler must have been imported. Lambda gives ten, on an idle processor."""

TIME_TO_LOG: Final = 1.0
"""Seconds in which what a function wrote before its answer must have been read."""

_WORKER: Final = Path(__file__).with_name("worker.py")


class ExecutionEnvironment:
    """One process that runs a function; it starts in the background."""

    def __init__(self, configuration: FunctionConfiguration, log: WriteLine) -> None:
        self.alive = True
        self._configuration = configuration
        self._ready = False
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
                # Ctrl-C in the terminal is for the stack, which then ends this one.
                process_group=0,
            )
        self._connection = Connection(here.detach())
        self._logs: SimpleQueue[tuple[str, tuple[str, ...]]] = SimpleQueue()
        self._logger = Thread(target=self._copy_log, args=(log,), daemon=True)
        self._logger.start()

    def handle(self, event: bytes, patience: float) -> Result:
        """The function's answer to one event; waits for it at most ``patience`` seconds.

        Raises:
            NoAnswer: it did not come in that time, and the function might have gone on.
        """
        give_up = time.monotonic() + patience
        try:
            return self._start(patience) or self._exchange(event, give_up - time.monotonic())
        except (EOFError, OSError):
            self.kill()
            status = self._process.wait()
            return Result.error("Runtime.ExitError", f"Runtime exited with status {status}")

    def kill(self) -> None:
        """Ends the process, whatever it is doing; who waits for its answer is told so."""
        self.alive = False
        # With whatever it started, which could hold its output open, and live on.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the process and leaves nothing of it. Nobody may be waiting for an answer."""
        self.kill()
        self._process.wait()
        self._connection.close()
        self._logger.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _start(self, patience: float) -> Result | None:
        """Waits until the handler is imported; the error when it can't be."""
        if self._ready:
            return None
        if not self._connection.poll(min(patience, TIME_TO_START)):
            self.kill()
            if patience < TIME_TO_START:
                raise NoResult
            return Result.error("Sandbox.Timedout", "the handler's module takes too long to import")
        first = self._connection.recv_bytes()
        self._ready = self.alive = first == b"="
        return None if self._ready else Result(first[1:], is_error=True)

    def _exchange(self, event: bytes, patience: float) -> Result:
        request_id, timeout = uuid.uuid4(), self._configuration.timeout
        head = f"{request_id} {time.time() + timeout} {self._configuration.arn}\n".encode()
        self._connection.send_bytes(head + event)
        if self._connection.poll(max(0.0, min(patience, timeout))):
            answer = self._connection.recv_bytes()
            return Result(answer[1:], answer[:1] == b"!", self._log_of(str(request_id)))
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
        """What the function wrote about one event, whose answer is there."""
        with suppress(Empty):
            while True:
                found, lines = self._logs.get(timeout=TIME_TO_LOG)
                if found == request_id:
                    return lines
        return ()
