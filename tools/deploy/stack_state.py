"""Checks the stack's status: there are statuses in which CloudFormation refuses a deployment."""

from collections.abc import Iterator
from typing import Final

from tools.deploy.findings import Finding, failure, fine, warning
from tools.deploy.target import Target

_SUBJECT: Final = "stack"

_NEVER_CREATED: Final = {
    "CREATE_FAILED",
    "DELETE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_FAILED",
}
"""Statuses of a stack that can only be deleted."""


def check_stack(target: Target) -> Iterator[Finding]:
    """Says whether the stack can be deployed as it is."""
    name, status = target.stack, target.status
    if status is None:
        yield fine(_SUBJECT, f"there is no stack {name} yet; this is its first deployment")
    elif status == "REVIEW_IN_PROGRESS":
        yield warning(
            _SUBJECT,
            f"{name} has a change set that was not executed. If you are taking tables over, execute"
            " it first (docs/deploy.md); otherwise deploy, this is the stack's first deployment",
        )
    elif status in _NEVER_CREATED:
        yield failure(
            _SUBJECT,
            f"{name} is in {status} and can only be deleted; data are kept:"
            f" `aws cloudformation delete-stack --region {target.region} --stack-name {name}`",
        )
    elif status == "UPDATE_ROLLBACK_FAILED":
        yield failure(
            _SUBJECT,
            f"{name} is in {status}; remove what it names as the reason, then run"
            f" `aws cloudformation continue-update-rollback --region {target.region}"
            f" --stack-name {name}`",
        )
    elif status.endswith("_IN_PROGRESS"):
        yield failure(
            _SUBJECT,
            f"{name} is in {status}: wait until that has ended, and try again;"
            f" `aws cloudformation describe-stacks --region {target.region} --stack-name {name}"
            " --query 'Stacks[0].StackStatus'` shows how it stands",
        )
    else:
        yield fine(_SUBJECT, f"{name} is in {status} and will be updated")
