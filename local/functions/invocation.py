"""What a function is invoked with, and what comes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

MAX_EVENT_BYTES: Final = 6_291_456
"""The largest event with which a function can be invoked synchronously."""


class NoResult(Exception):
    """The caller stopped waiting before the function's own time-out, or the stack is stopping."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a function returned, or the error that it ended with.

    Attributes:
        payload: JSON; of an error, ``errorType`` and ``errorMessage``.
        is_error: whether the function failed.
        log: the lines that it wrote meanwhile, if it returned at all.
    """

    payload: bytes
    is_error: bool = False
    log: tuple[str, ...] = ()

    @classmethod
    def error(cls, kind: str, message: str) -> Self:
        """Returns an error that the function could not describe itself, such as a time-out."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True)


type Invoke = Callable[[bytes, float], Result]
"""Invokes a function with an event, and waits at most that many seconds for the result."""
