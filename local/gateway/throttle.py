"""The stage's throttle: a token bucket for each method."""

from collections.abc import Callable
from threading import Lock


class TokenBucket:
    """Holds ``burst`` tokens, one for a request, and gets ``rate`` new ones a second."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Takes a token, if there is one."""
        with self._lock:
            now = self._clock()
            gained = (now - self._filled_at) * self._rate
            self._tokens = min(self._burst, self._tokens + gained)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
