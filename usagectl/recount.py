"""Requests to count a workspace, and waiting until it is counted. The counter function counts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from usagectl.count_state import CountState, read_state, waiting_rows
from usagectl.resources import Resources
from workspace_usage.rollups.counter import Counter
from workspace_usage.rollups.items import NOTHING
from workspace_usage.rows.position import moment_of
from workspace_usage.values import to_milliseconds

POLL_SECONDS: Final = 5.0

ASK_AGAIN: Final = timedelta(minutes=3)
"""After what time without a change counting is requested again."""

TELL_AGAIN: Final = timedelta(minutes=6)
"""After what time without a change, and how often from then on, this is part of the progress."""


@dataclass(frozen=True, slots=True)
class CountProgress:
    """How far counting has come.

    Attributes:
        marks: how many of the marks are left that were there at the beginning.
        counted_to: the moment up to which the workspace is counted, or None if nothing is.
        is_done: whether the marks are gone and everything is counted that was old enough at the
            beginning, but for rows that are too few to be counted.
        unchanged_for: how long nothing has changed, if that is unusual: no mark is gone, and no
            counter has committed a block.
    """

    marks: int
    counted_to: datetime | None
    is_done: bool
    unchanged_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Recount:
    """Has one workspace counted.

    Attributes:
        resources: the deployment's tables and count queue.
        workspace_id: the workspace.
        began_at: when the command began, by DynamoDB's clock.
    """

    resources: Resources
    workspace_id: int
    began_at: datetime

    @classmethod
    def begin(cls, resources: Resources, workspace_id: int, *, from_scratch: bool) -> Self:
        """Requests that a workspace is counted.

        Args:
            resources: the deployment's tables and count queue.
            workspace_id: the workspace.
            from_scratch: make all of its counts void before.

        Raises:
            StoreUnavailable: the table or the queue can't be reached in time.
        """
        recount = cls(resources, workspace_id, resources.clock())
        if from_scratch:
            client, tables, clock = resources.dynamodb, resources.tables, resources.clock
            Counter(client, tables, resources.zone, clock).restart(workspace_id)
        recount._request()
        return recount

    def wait(self, pause: Callable[[float], object] = time.sleep) -> Iterator[CountProgress]:
        """Yields the progress whenever it has changed, until everything is counted.

        Counting goes on without this. If nothing changes, counting is requested again, and the
        progress says for how long nothing has changed.

        Args:
            pause: waits for some seconds.

        Raises:
            CommandError: a row can't be read.
            StoreUnavailable: a table or the queue can't be reached in time.
        """
        known, shown = None, None
        changed_at = asked_at = told_at = self.began_at
        while True:
            state = read_state(self.resources, self.workspace_id)
            progress, now = self._progress(state), self.resources.clock()
            if (progress.marks, state.revision) != known:
                known = progress.marks, state.revision
                changed_at = asked_at = told_at = now
            if progress != shown:
                shown = progress
                yield progress
            if progress.is_done:
                return
            if now - told_at >= TELL_AGAIN:
                told_at = now
                yield replace(progress, unchanged_for=now - changed_at)
            if now - asked_at >= ASK_AGAIN:
                asked_at = now
                self._request()
            pause(POLL_SECONDS)

    def _request(self) -> None:
        self.resources.count_queue.request(self.workspace_id, after=timedelta(0))

    def _progress(self, state: CountState) -> CountProgress:
        began_at, sort_key = to_milliseconds(self.began_at), state.counted_to
        left = sum(marked_at <= began_at for marked_at in state.marks.marked_at.values())
        waiting = waiting_rows(self.resources, self.workspace_id, sort_key, self.began_at)
        counted_to = None if sort_key == NOTHING else moment_of(sort_key)
        return CountProgress(left, counted_to, is_done=left == 0 and not waiting)
