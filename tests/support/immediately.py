"""An executor without threads."""

from concurrent.futures import Executor, Future
from typing import Any

from workspace_usage.errors import UsageError


class Immediately(Executor):
    """Runs each call at once, in the caller's thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """What the call came to, which it has when this returns."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except UsageError as error:
            future.set_exception(error)
        return future
