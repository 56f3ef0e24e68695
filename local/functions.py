"""Runs the template's functions: each in a few processes, with one event at a time in each.

So does Lambda: a handler's globals are never used by two events at once, memory is not shared, and
a function that crashes or takes too long takes nothing else with it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import Final, Self

from local.aws import CREDENTIALS, NO_CONFIGURATION, REGION
from local.errors import TemplateError
from local.template import Resource, Template, code_of
from local.worker import END
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES

MOST_ENVIRONMENTS: Final = 2
"""Processes of one function; when all are busy, the next event waits.

More would ask moto more at once, which answers one after the other, and could run out of time.
"""

EVENT_BYTES: Final = 6_291_456
"""The largest event with which Lambda's callers can invoke a function, and wait for its answer."""

TIME_TO_START: Final = 30.0
"""Seconds in which a handler must have been imported. Lambda gives ten, on an idle processor."""

TIME_TO_LOG: Final = 1.0
"""Seconds in which what a function wrote before its answer must have been read."""

_WORKER: Final = Path(__file__).with_name("worker.py")

type Log = Callable[[str], object]
"""Takes one line of a log."""


class NoAnswer(Exception):
    """The caller's patience ended before the function's time did."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, or, when it ``failed``, what its error looks like: JSON.

    ``log`` is what it wrote meanwhile, line by line, where it answered at all.
    """

    payload: bytes
    failed: bool = False
    log: tuple[str, ...] = ()

    @classmethod
    def error(cls, kind: str, message: str) -> Self:
        """A failure that the function could not describe itself."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)


@dataclass(frozen=True, slots=True)
class Setup:
    """How the template wants a function to run.

    Attributes:
        logical_id: what the template calls it.
        name: what it is called once it is made.
        arn: its own, which says no version.
        folder: where its code is.
        timeout: how long it may take for an event, in seconds.
        environment: its variables.
        versions: the version behind each of its ARNs.
    """

    logical_id: str
    name: str
    arn: str
    folder: Path
    timeout: float
    environment: Mapping[str, str]
    versions: Mapping[str, str]

    @classmethod
    def of(cls, template: Template, function: Resource, endpoints: Mapping[str, str]) -> Self:
        """The setup of one function of ``template``.

        As with ``sam local``, an endpoint is passed on only where the template declares its
        variable.

        Raises:
            TemplateError: its code is not in a folder beside the template.
        """
        given = function.properties
        declared = {
            name: str(value)
            for name, value in given.get("Environment", {}).get("Variables", {}).items()
        }
        folder = template.folder.resolve() / code_of(function, "Code")
        if not folder.is_dir():
            raise TemplateError(f"{function.logical_id}: there is no folder {folder}")
        layers = {layer.name: layer for layer in template.of_type("AWS::Lambda::LayerVersion")}
        content = [code_of(layers[name], "Content") for name in given.get("Layers", [])]
        log_group = given.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function.name}")
        return cls(
            logical_id=function.logical_id,
            name=function.name,
            arn=function.arn,
            folder=folder,
            timeout=float(given.get("Timeout", 3)),
            environment={
                **declared,
                **{name: url for name, url in endpoints.items() if name in declared},
                **CREDENTIALS,
                **NO_CONFIGURATION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{given['Runtime']}",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(given.get("MemorySize", 128)),
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                "AWS_LAMBDA_LOG_GROUP_NAME": str(log_group),
                "AWS_LAMBDA_LOG_STREAM_NAME": "local",
                "AWS_REGION": REGION,
                "LAMBDA_TASK_ROOT": str(folder),
                "LANG": "en_US.UTF-8",
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": os.pathsep.join(
                    str(_packages(template.folder.resolve() / path)) for path in content
                ),
                "TZ": ":UTC",
                "_HANDLER": given["Handler"],
            },
            versions=versions(template, function),
        )


def _packages(layer: Path) -> Path:
    """Where a layer's packages are: in ``python``, as Lambda wants them, once it is built."""
    built = layer / "python"
    return built if built.is_dir() else layer


def versions(template: Template, function: Resource) -> dict[str, str]:
    """The version of a function behind each of its ARNs: its own, its versions', its aliases'."""
    published = {
        resource.arn: resource.properties.get("FunctionVersion", resource.name)
        for kind in ("AWS::Lambda::Version", "AWS::Lambda::Alias")
        for resource in template.of_type(kind)
        if resource.properties["FunctionName"] == function.name
    }
    return {function.arn: "$LATEST", **published}


class Environment:
    """One process that runs a function; it starts in the background."""

    def __init__(self, setup: Setup, log: Log) -> None:
        self.alive = True
        self._setup = setup
        self._ready = False
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-P", "-u", str(_WORKER), str(there.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=setup.folder,
                env=dict(setup.environment),
                pass_fds=[there.fileno()],
                # Ctrl-C in the terminal is for the stack, which then ends this one.
                process_group=0,
            )
        self._connection = Connection(here.detach())
        self._logs: SimpleQueue[tuple[str, tuple[str, ...]]] = SimpleQueue()
        self._logger = Thread(target=self._copy_log, args=(log,), daemon=True)
        self._logger.start()

    def handle(self, event: bytes, patience: float) -> Answer:
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
            return Answer.error("Runtime.ExitError", f"Runtime exited with status {status}")

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

    def _start(self, patience: float) -> Answer | None:
        """Waits until the handler is imported; the error when it can't be."""
        if self._ready:
            return None
        if not self._connection.poll(min(patience, TIME_TO_START)):
            self.kill()
            if patience < TIME_TO_START:
                raise NoAnswer
            return Answer.error("Sandbox.Timedout", "the handler's module takes too long to import")
        first = self._connection.recv_bytes()
        self._ready = self.alive = first == b"="
        return None if self._ready else Answer(first[1:], failed=True)

    def _exchange(self, event: bytes, patience: float) -> Answer:
        request_id, timeout = uuid.uuid4(), self._setup.timeout
        head = f"{request_id} {time.time() + timeout} {self._setup.arn}\n".encode()
        self._connection.send_bytes(head + event)
        if self._connection.poll(max(0.0, min(patience, timeout))):
            answer = self._connection.recv_bytes()
            return Answer(answer[1:], answer[:1] == b"!", self._log_of(str(request_id)))
        self.kill()
        if patience < timeout:
            raise NoAnswer
        return Answer.error(
            "Sandbox.Timedout",
            f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
        )

    def _copy_log(self, log: Log) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        lines: list[str] = []
        for content in self._process.stdout:
            line, is_end, request_id = content.decode(errors="replace").rstrip().partition(END)
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


class Function:
    """A function of the template, ready to be invoked from any thread."""

    def __init__(self, setup: Setup, log: Log) -> None:
        self.setup = setup
        self._log = log
        self._change = Condition()
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._closed = False

    def warm_up(self) -> None:
        """Starts one environment, so that the first event need not wait for all of it."""
        environment = Environment(self.setup, self._log)
        with self._change:
            self._all.add(environment)
            self._idle.append(environment)

    def invoke(self, event: bytes, patience: float = 3600.0) -> Answer:
        """The function's answer to an event, which is JSON.

        ``patience`` is in seconds, and includes the time until an environment is free.

        Raises:
            NoAnswer: no answer came in that time.
        """
        give_up = time.monotonic() + patience
        environment = self._take(patience)
        try:
            answer = environment.handle(event, max(0.0, give_up - time.monotonic()))
        finally:
            self._put_back(environment)
        if len(answer.payload) > MAX_RESPONSE_BYTES:
            answer = _too_large(answer)
            self._complain(answer)
        elif answer.failed and not environment.alive and not self._closed:
            self._complain(answer)
        return answer

    def _complain(self, answer: Answer) -> None:
        error = json.loads(answer.payload)
        # With a stack trace it was described, and logged, by the process itself.
        if "stackTrace" not in error:
            self._log(f"[ERROR] {error['errorType']}: {error['errorMessage']}")

    def close(self) -> None:
        """Ends all environments; whoever waits for one is told that there is no answer."""
        with self._change:
            self._closed = True
            for environment in self._all:
                environment.kill()
            idle, self._idle = self._idle, []
            self._change.notify_all()
        for environment in idle:
            self._put_back(environment)
        with self._change:
            self._change.wait_for(lambda: not self._all, timeout=5)

    def _take(self, patience: float) -> Environment:
        with self._change:
            self._change.wait_for(
                lambda: self._closed or self._idle or len(self._all) < MOST_ENVIRONMENTS, patience
            )
            if self._closed:
                raise NoAnswer
            if self._idle:
                return self._idle.pop()
            if len(self._all) >= MOST_ENVIRONMENTS:
                raise NoAnswer
            environment = Environment(self.setup, self._log)
            self._all.add(environment)
            return environment

    def _put_back(self, environment: Environment) -> None:
        with self._change:
            reusable = environment.alive and not self._closed
            if reusable:
                self._idle.append(environment)
                self._change.notify()
        if not reusable:
            environment.close()
            with self._change:
                self._all.discard(environment)
                self._change.notify()


def _too_large(answer: Answer) -> Answer:
    """What Lambda says in place of an answer that it doesn't pass on."""
    error = Answer.error(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE_BYTES} bytes).",
    )
    return replace(answer, payload=error.payload, failed=True)
