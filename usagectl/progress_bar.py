"""A progress bar with rate and time left. It is shown on a terminal, and is gone when all is done.

The import of ``rich`` takes a while, so a command imports this only when it begins its work.
"""

import time
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_SECONDS_BETWEEN: Final = 0.1
"""The time between two changes of the bar. Each of them takes longer than writing a row."""


class ProgressBar:
    """A progress bar on standard error.

    Args:
        description: what is being done, such as ``loading``.
        unit: what is counted, in the plural.
        total: how many there are, or None if nobody knows.
        delay_seconds: how long it takes until the bar appears, so that short work shows none.
    """

    def __init__(
        self, description: str, unit: str, total: int | None = None, *, delay_seconds: float = 0.0
    ) -> None:
        console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(description, total=total)
        self._appears_at = time.monotonic() + delay_seconds
        self._not_shown = 0
        self._show_at = 0.0

    def advance(self, number: int) -> None:
        """Notes that ``number`` more are done. It is shown a few times a second."""
        self._not_shown += number
        if time.monotonic() >= self._show_at:
            self._show()

    def _show(self) -> None:
        self._progress.advance(self._task, self._not_shown)
        self._not_shown = 0
        self._show_at = time.monotonic() + _SECONDS_BETWEEN
        self._appear()

    def _appear(self) -> None:
        if not self._progress.live.is_started and time.monotonic() >= self._appears_at:
            self._progress.start()

    def __enter__(self) -> Self:
        self._appear()
        return self

    def __exit__(self, *_: object) -> None:
        if self._not_shown:
            self._show()
        self._progress.stop()


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """Returns the rate, or nothing as long as there is none."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")
