"""How a command that takes long tells how far it is."""

from collections.abc import Callable

type Advance = Callable[[int], object]
"""Is told how many more lines, rows or items are done."""


def ignore(_: object) -> None:
    """Takes what nobody needs to be told of."""
