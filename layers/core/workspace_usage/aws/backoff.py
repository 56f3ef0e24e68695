"""Back-off with full jitter: the wait before another attempt.

Writers that collided once, or were throttled together, must not come back together. So each one
waits for a random time, between nothing and a limit that doubles with each attempt ("Exponential
Backoff And Jitter", AWS Architecture Blog).
"""

import random
import time
from math import inf


def wait_before_retry(attempt: int, base_seconds: float, max_seconds: float = inf) -> None:
    """Waits for a random time before another attempt.

    Args:
        attempt: which attempt this is; the longest possible wait doubles with each.
        base_seconds: the longest possible wait at attempt 0.
        max_seconds: the longest possible wait at any attempt.
    """
    longest = min(max_seconds, base_seconds * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - not a secret
