"""The type of the clock that web ACL, cache, throttle and log use."""

from collections.abc import Callable

type Clock = Callable[[], float]
"""Returns seconds that never decrease."""
