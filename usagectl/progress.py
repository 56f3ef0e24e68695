"""How a long command reports its progress."""

from collections.abc import Callable

type Advance = Callable[[int], object]
"""Is told how many more lines, rows or items are done."""


def ignore(_: object) -> None:
    """Ignores what it is told."""
