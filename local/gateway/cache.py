"""The stage cache: a method's answers, kept for a while under the keys that it declares."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final

from local.exchange import Response

MAX_CACHED_BYTES: Final = 1_048_576
"""Bytes; API Gateway caches no larger response."""


class StageCache:
    """The cache of one method.

    Args:
        lifetime: seconds for which an answer is kept.
        clock: seconds that only grow.
    """

    def __init__(self, lifetime: float, clock: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._lock = Lock()
        self._answers: dict[Hashable, tuple[float, Response]] = {}

    def get(self, key: Hashable) -> Response | None:
        """The answer that was kept under ``key``, while it lives."""
        with self._lock:
            self._drop_old()
            _, response = self._answers.get(key, (0.0, None))
            return response

    def put(self, key: Hashable, response: Response) -> None:
        """Keeps an answer, unless it is too large."""
        if len(response.body) > MAX_CACHED_BYTES:
            return
        with self._lock:
            self._drop_old()
            # Taken out first, so that the answers stay in the order of their age.
            self._answers.pop(key, None)
            self._answers[key] = (self._clock() + self._lifetime, response)

    def _drop_old(self) -> None:
        now = self._clock()
        while self._answers:
            oldest = next(iter(self._answers))
            if self._answers[oldest][0] > now:
                return
            del self._answers[oldest]
