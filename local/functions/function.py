"""A function of the template, which runs in a few processes, one event at a time in each.

Lambda does the same: two events never use a handler's globals at once, functions share no memory,
and a function that crashes or takes too long harms no other.
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
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES

MAX_ENVIRONMENTS: Final = 2
"""Processes of one function. When all are busy, the next event waits.

moto answers one call after the other: with more processes, calls could time out.
"""


class Function:
    """A function of the template, which can be invoked from any thread.

    Args:
        configuration: how it runs.
        log: takes each line that it writes.
    """

    def __init__(self, configuration: FunctionConfiguration, log: WriteLine) -> None:
        self.configuration = configuration
        self._log = log
        self._change = Condition()
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._is_closed = False

    def warm_up(self) -> None:
        """Starts one environment, so that the first event waits less."""
        environment = ExecutionEnvironment(self.configuration, self._log)
        with self._change:
            self._all.add(environment)
            self._idle.append(environment)

    def invoke(self, event: bytes, patience: float = 3600.0) -> Result:
        """Returns the function's result for an event.

        Args:
            event: JSON.
            patience: seconds that the caller waits, also for an environment to be free.

        Raises:
            NoResult: no result came in that time, or the function was closed.
        """
        deadline = time.monotonic() + patience
        environment = self._take(patience)
        try:
            result = environment.handle(event, max(0.0, deadline - time.monotonic()))
        finally:
            self._put_back(environment)
        if len(result.payload) > MAX_RESPONSE_BYTES:
            result = _too_large(result)
            self._log_error(result)
        elif result.is_error and not environment.is_alive and not self._is_closed:
            self._log_error(result)
        return result

    def _log_error(self, result: Result) -> None:
        error = json.loads(result.payload)
        # An error with a stack trace was logged by the process itself.
        if "stackTrace" not in error:
            self._log(f"[ERROR] {error['errorType']}: {error['errorMessage']}")

    def close(self) -> None:
        """Ends all environments; callers that wait for one get NoResult."""
        with self._change:
            self._is_closed = True
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
                lambda: self._is_closed or self._idle or len(self._all) < MAX_ENVIRONMENTS, patience
            )
            if self._is_closed:
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
            is_reusable = environment.is_alive and not self._is_closed
            if is_reusable:
                self._idle.append(environment)
                self._change.notify()
        if not is_reusable:
            environment.close()
            with self._change:
                self._all.discard(environment)
                self._change.notify()


def _too_large(result: Result) -> Result:
    """Returns the error that Lambda's callers get instead of a result that is too large."""
    error = Result.error(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE_BYTES} bytes).",
    )
    return replace(result, payload=error.payload, is_error=True)
