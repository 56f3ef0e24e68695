"""Turns failed calls to AWS into one kind of error, which keeps the cause for the log.

botocore is not imported for this: an error of botocore's can only come from code that imported it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from workspace_usage.aws.validation import DamagedResponse
from workspace_usage.errors import StoreUnavailable


@contextmanager
def aws_errors_as_unavailable() -> Iterator[None]:
    """Raises ``StoreUnavailable`` from each error of botocore's.

    Raises:
        StoreUnavailable: the service refused the call, failed, or did not respond in time.
    """
    try:
        yield
    except Exception as error:  # those that are not botocore's are raised again
        reason = _failure_reason(error)
        if reason is None:
            raise
        raise StoreUnavailable(reason) from error


def _failure_reason(error: Exception) -> str | None:
    """Returns the reason why a call to AWS failed, or None if ``error`` is something else."""
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
