"""Deals with one line after the other, in an import and in its dry run alike."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from usagectl.data_set.rejections import Rejection
from usagectl.loading.checkpoint import PartProgress
from usagectl.progress import Advance

type Reject = Callable[[Rejection], object]
"""Is told of each line or file that can't be used."""


def process_lines[T](
    lines: Iterable[tuple[int, T | Rejection]],
    progress: PartProgress,
    use: Callable[[T], object],
    *,
    advance: Advance,
    reject: Reject,
) -> PartProgress:
    """Gives the content of each line to ``use``, or its rejection to ``reject``.

    Returns how far the part is then.

    Args:
        lines: the number of each line, and its content or why it can't be used.
        progress: how far the part is.
        use: takes the content of a line.
        advance: is told how many more lines are done, blank ones included.
        reject: takes a rejection.
    """
    done, loaded, rejected = progress.lines, progress.loaded, progress.rejected
    for number, content in lines:
        if isinstance(content, Rejection):
            reject(content)
            rejected += 1
        else:
            use(content)
            loaded += 1
        advance(number - done)
        done = number
    return replace(progress, lines=done, loaded=loaded, rejected=rejected)
