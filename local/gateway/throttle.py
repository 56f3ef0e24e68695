"""The stage's throttle: a token bucket for each method."""

from threading import Lock

from local.clock import Clock


class TokenBucket:
    """Holds at most ``burst`` tokens, and gets ``rate`` new ones a second. A request takes one."""

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Takes a token; returns whether there was one."""
        with self._lock:
            now = self._clock()
            gained = (now - self._filled_at) * self._rate
            self._tokens = min(self._burst, self._tokens + gained)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
