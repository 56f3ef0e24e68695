"""The type of the clocks that the cache, the throttle and the log go by."""

from collections.abc import Callable

type Clock = Callable[[], float]
"""Seconds that only grow."""
