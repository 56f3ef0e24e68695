"""API Gateway's stage cache: keeps a method's responses for some time."""

from collections.abc import Hashable
from threading import Lock
from typing import Final

from local.clock import Clock
from local.exchange import Response

MAX_CACHED_BYTES: Final = 1_048_576
"""API Gateway doesn't cache a response with a larger body."""


class StageCache:
    """The cache of one method.

    Args:
        lifetime: seconds for which a response is kept.
        clock: the time.
    """

    def __init__(self, lifetime: float, clock: Clock) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._lock = Lock()
        self._responses: dict[Hashable, tuple[float, Response]] = {}

    def get(self, key: Hashable) -> Response | None:
        """Returns the response that is cached under ``key``, or None."""
        with self._lock:
            self._remove_expired()
            _, response = self._responses.get(key, (0.0, None))
            return response

    def put(self, key: Hashable, response: Response) -> None:
        """Caches a response, unless it is too large."""
        if len(response.body) > MAX_CACHED_BYTES:
            return
        with self._lock:
            self._remove_expired()
            # Removed first, so that the responses stay in the order of their age.
            self._responses.pop(key, None)
            self._responses[key] = (self._clock() + self._lifetime, response)

    def _remove_expired(self) -> None:
        now = self._clock()
        while self._responses:
            oldest = next(iter(self._responses))
            if self._responses[oldest][0] > now:
                return
            del self._responses[oldest]
