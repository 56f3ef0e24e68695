"""Several calls to AWS at the same time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Final

CALLS_IN_FLIGHT: Final = 8
"""The most calls at the same time."""


def map_in_parallel[T, R](function: Callable[[T], R], subjects: Iterable[T]) -> Iterator[R]:
    """Yields what ``function`` returns for each subject, in the order of the subjects.

    Subjects are taken some at a time, so there may be any number of them.

    Raises:
        Exception: whatever ``function`` raises. Calls that have begun are completed first.
    """
    with ThreadPoolExecutor(CALLS_IN_FLIGHT) as executor:
        for some in batched(subjects, 10 * CALLS_IN_FLIGHT, strict=False):
            yield from executor.map(function, some)
