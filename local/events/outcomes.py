"""What became of the events that were passed on to functions."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from threading import Condition
from typing import Final

MAX_OUTCOMES: Final = 10_000
"""Outcomes that are remembered: many more than arrive while somebody wakes up to look at one."""


class State(Enum):
    """How an event stands with the function that its queue leads to."""

    APPLIED = auto()
    OVERTAKEN = auto()
    REJECTED = auto()
    RETRIED = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event in one queue, and why, where there is a reason."""

    state: State
    reason: str = ""


class Outcomes:
    """The latest outcomes, by event and queue; used from any thread."""

    def __init__(self) -> None:
        self._change = Condition()
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._closed = False

    def add(self, event_id: str, queue_arn: str, outcome: Outcome) -> None:
        """Takes one; it replaces an earlier one of the same event in the same queue."""
        key = event_id, queue_arn
        with self._change:
            # Taken out first, so that they stay in the order of their age.
            self._outcomes.pop(key, None)
            self._outcomes[key] = outcome
            if len(self._outcomes) > MAX_OUTCOMES:
                del self._outcomes[next(iter(self._outcomes))]
            self._change.notify_all()

    def wait(
        self, event_id: str, queue_arns: Collection[str], patience: float
    ) -> Mapping[str, Outcome]:
        """Waits until an event has an outcome in each queue, for at most ``patience`` seconds.

        Returns the outcomes by queue, without those that did not come in that time.
        """
        give_up = time.monotonic() + patience
        with self._change:
            while True:
                keys = {arn: (event_id, arn) for arn in queue_arns}
                found = {a: self._outcomes[key] for a, key in keys.items() if key in self._outcomes}
                left = give_up - time.monotonic()
                if len(found) == len(keys) or self._closed or left <= 0:
                    return found
                self._change.wait(left)

    def close(self) -> None:
        """Lets everybody who waits go."""
        with self._change:
            self._closed = True
            self._change.notify_all()
