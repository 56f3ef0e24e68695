"""The checks before a deployment, in their order."""

from collections.abc import Callable, Iterator
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.concurrency import check_concurrency
from tools.deploy.findings import Finding, failure, fine, warning
from tools.deploy.fixed_names import check_names
from tools.deploy.kept_setting import check_setting
from tools.deploy.leftovers import check_leftovers
from tools.deploy.logging_role import check_logging_role
from tools.deploy.snapshots import check_snapshots
from tools.deploy.stack_state import check_stack
from tools.deploy.target import Target
from tools.deploy.upload_bucket import check_upload_bucket

_CHECKS: Final[dict[str, Callable[[Target], Iterator[Finding]]]] = {
    "stack": check_stack,
    "API Gateway's logging role": check_logging_role,
    "SnapStart": check_snapshots,
    "Lambda's concurrency": check_concurrency,
    "sam's bucket": check_upload_bucket,
    "names": check_names,
    "data of a deleted stack": check_leftovers,
    "usage_history_min_date": check_setting,
}


def check_all(target: Target) -> Iterator[Finding]:
    """Yields all findings, each as soon as it is made.

    Without credentials that work, there is only one.
    """
    try:
        caller = target.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield failure(
            "credentials",
            f"AWS can't be asked with them ({error}); log in with `aws login` or `aws sso login`,"
            " or name a profile with `export AWS_PROFILE=...`",
        )
        return
    yield fine("credentials", f"account {caller['Account']}, {target.region}, as {caller['Arn']}")
    for subject, check in _CHECKS.items():
        try:
            yield from check(target)
        except (BotoCoreError, ClientError) as error:
            yield warning(subject, f"could not be checked: {error}")
