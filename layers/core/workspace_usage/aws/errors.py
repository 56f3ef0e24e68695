"""What becomes of a failed call to AWS: one kind of error, with the cause for the log.

botocore is not imported for it: an error of botocore's can only come from code that has.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from workspace_usage.aws.validation import DamagedResponse
from workspace_usage.errors import StoreUnavailable


@contextmanager
def aws_errors_as_unavailable() -> Iterator[None]:
    """Turns a failed call to AWS into ``StoreUnavailable``, which keeps the cause for the log.

    Raises:
        StoreUnavailable: the service refused, failed, or did not answer in time.
    """
    try:
        yield
    except Exception as error:  # all but a failed call passes on, as it came
        reason = _reason(error)
        if reason is None:
            raise
        raise StoreUnavailable(reason) from error


def _reason(error: Exception) -> str | None:
    """Why a call failed; None: it is no call that failed."""
    exceptions = sys.modules.get("botocore.exceptions")
    if exceptions is None:
        return None
    if isinstance(error, exceptions.ClientError):
        code = error.response.get("Error", {}).get("Code", "unknown")
        return f"{error.operation_name} failed: {code}"
    if isinstance(error, exceptions.BotoCoreError):
        if isinstance(error.__cause__, DamagedResponse):
            return f"a call failed: {error.kwargs['error']}"
        return f"a call failed: {type(error).__name__}"
    return None
