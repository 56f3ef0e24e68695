"""Checks a deployment from end to end: its tables, and whether the service works."""

from collections.abc import Iterator

from usagectl import service_check, tables_check
from usagectl.deployment import Deployment
from usagectl.findings import Finding
from usagectl.service_check import Caller


def examine(
    deployment: Deployment, caller: Caller | None, workspace_id: int | None = None
) -> Iterator[Finding]:
    """Yields the finding of each check, as soon as it is made.

    Args:
        deployment: the deployment.
        caller: the caller of a request to the API, or None for no such request.
        workspace_id: the workspace whose counts are checked, or None for some at random.
    """
    yield from tables_check.examine(deployment)
    yield from service_check.examine(deployment, caller, workspace_id)
