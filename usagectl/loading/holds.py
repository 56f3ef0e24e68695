"""The workspaces whose counts an import gives up, since it writes rows past the recorder."""

from datetime import UTC, datetime
from functools import partial

from usagectl import recount
from usagectl.loading.checkpoint import Checkpoint
from usagectl.parallel import map_in_parallel
from usagectl.resources import Resources
from workspace_usage.errors import StoreUnavailable


class Holds:
    """The workspaces that one import holds.

    An import that continues an interrupted one also releases the workspaces which that one held.
    """

    def __init__(self, resources: Resources, checkpoint: Checkpoint) -> None:
        self._resources = resources
        self._checkpoint = checkpoint
        self._taken: set[int] = set()

    def take(self, workspace_ids: set[int]) -> None:
        """Holds those of these workspaces that this import doesn't hold yet."""
        new = workspace_ids - self._taken
        if not new:
            return
        # They are noted first: a hold that isn't noted would never be released.
        self._checkpoint.hold(new)
        for _ in map_in_parallel(partial(recount.hold, self._resources), new):
            pass
        self._taken |= new

    def end(self) -> list[int]:
        """Releases and counts the workspaces, since all rows are written.

        Returns those that could not be counted: counts only make pages far down fast, so the
        import continues without them.
        """
        held, now = sorted(self._checkpoint.held_workspaces), datetime.now(UTC)
        is_counted = list(map_in_parallel(partial(self._count, now), held))
        self._checkpoint.release()
        self._taken.clear()
        return [
            workspace_id
            for workspace_id, is_done in zip(held, is_counted, strict=True)
            if not is_done
        ]

    def _count(self, now: datetime, workspace_id: int) -> bool:
        try:
            recount.recount(self._resources, workspace_id, now)
        except StoreUnavailable:
            return False
        return True
