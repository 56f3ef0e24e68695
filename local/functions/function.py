"""Runs the template's functions: each in a few processes, with one event at a time in each.

So does Lambda: a handler's globals are never used by two events at once, memory is not shared, and
a function that crashes or takes too long takes nothing else with it.
"""

import json
import time
from dataclasses import replace
from threading import Condition
from typing import Final

from local.functions.configuration import FunctionConfiguration
from local.functions.environment import ExecutionEnvironment
from local.functions.invocation import NoResult, Result
from local.log import WriteLine
from workspace_usage.listing.sizes import RESPONSE_BYTES

MAX_ENVIRONMENTS: Final = 2
"""Processes of one function; when all are busy, the next event waits.

More would ask moto more at once, which answers one after the other, and could run out of time.
"""


class Function:
    """A function of the template, ready to be invoked from any thread."""

    def __init__(self, configuration: FunctionConfiguration, log: WriteLine) -> None:
        self.configuration = configuration
        self._log = log
        self._change = Condition()
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._closed = False

    def warm_up(self) -> None:
        """Starts one environment, so that the first event need not wait for all of it."""
        environment = ExecutionEnvironment(self.configuration, self._log)
        with self._change:
            self._all.add(environment)
            self._idle.append(environment)

    def invoke(self, event: bytes, patience: float = 3600.0) -> Result:
        """The function's result to an event, which is JSON.

        ``patience`` is in seconds, and includes the time until an environment is free.

        Raises:
            NoAnswer: no result came in that time.
        """
        give_up = time.monotonic() + patience
        environment = self._take(patience)
        try:
            result = environment.handle(event, max(0.0, give_up - time.monotonic()))
        finally:
            self._put_back(environment)
        if len(result.payload) > RESPONSE_BYTES:
            result = _too_large(result)
            self._complain(result)
        elif result.is_error and not environment.alive and not self._closed:
            self._complain(result)
        return result

    def _complain(self, result: Result) -> None:
        error = json.loads(result.payload)
        # With a stack trace it was described, and logged, by the process itself.
        if "stackTrace" not in error:
            self._log(f"[ERROR] {error['errorType']}: {error['errorMessage']}")

    def close(self) -> None:
        """Ends all environments; whoever waits for one is told that there is no result."""
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

    def _take(self, patience: float) -> ExecutionEnvironment:
        with self._change:
            self._change.wait_for(
                lambda: self._closed or self._idle or len(self._all) < MAX_ENVIRONMENTS, patience
            )
            if self._closed:
                raise NoResult
            if self._idle:
                return self._idle.pop()
            if len(self._all) >= MAX_ENVIRONMENTS:
                raise NoResult
            environment = ExecutionEnvironment(self.configuration, self._log)
            self._all.add(environment)
            return environment

    def _put_back(self, environment: ExecutionEnvironment) -> None:
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


def _too_large(result: Result) -> Result:
    """What Lambda says in place of an result that it doesn't pass on."""
    error = Result.error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes).",
    )
    return replace(result, payload=error.payload, is_error=True)
