"""What a function is invoked with, and what comes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

MAX_EVENT_BYTES: Final = 6_291_456
"""The largest event with which Lambda's callers can invoke a function, and wait for its answer."""


class NoResult(Exception):
    """The caller's patience ended before the function's time did."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a function returned, or, when it is an error, what its error looks like: JSON.

    ``log`` is what it wrote meanwhile, line by line, where it answered at all.
    """

    payload: bytes
    is_error: bool = False
    log: tuple[str, ...] = ()

    @classmethod
    def error(cls, kind: str, message: str) -> Self:
        """A failure that the function could not describe itself."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True)


type Invoke = Callable[[bytes, float], Result]
"""Invokes a function with an event, and waits for its result for so many seconds."""
