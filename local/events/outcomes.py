"""The outcomes of events: what functions did with them."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from threading import Condition
from typing import Final

MAX_OUTCOMES: Final = 10_000
"""Outcomes that are kept: many more than arrive before a waiting thread has read its own."""


class State(Enum):
    """What a function did with an event; a retried one is in the queue again."""

    APPLIED = auto()
    OVERTAKEN = auto()
    REJECTED = auto()
    RETRIED = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function did with one event of one queue, and the reason if there is one."""

    state: State
    reason: str = ""


class Outcomes:
    """The latest outcomes by event and queue. Any thread may use it."""

    def __init__(self) -> None:
        self._change = Condition()
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._is_closed = False

    def add(self, event_id: str, queue_arn: str, outcome: Outcome) -> None:
        """Adds an outcome; it replaces an earlier one of the same event in the same queue."""
        key = event_id, queue_arn
        with self._change:
            # Removed first, so that outcomes stay in the order of their age.
            self._outcomes.pop(key, None)
            self._outcomes[key] = outcome
            if len(self._outcomes) > MAX_OUTCOMES:
                del self._outcomes[next(iter(self._outcomes))]
            self._change.notify_all()

    def wait(
        self, event_id: str, queue_arns: Collection[str], patience: float
    ) -> Mapping[str, Outcome]:
        """Waits until an event has an outcome in each queue, at most ``patience`` seconds.

        Returns:
            The outcomes by queue, without those that did not come in that time.
        """
        deadline = time.monotonic() + patience
        with self._change:
            while True:
                outcomes = {
                    arn: self._outcomes[event_id, arn]
                    for arn in queue_arns
                    if (event_id, arn) in self._outcomes
                }
                left = deadline - time.monotonic()
                if len(outcomes) == len(queue_arns) or self._is_closed or left <= 0:
                    return outcomes
                self._change.wait(left)

    def close(self) -> None:
        """Ends all waits."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
