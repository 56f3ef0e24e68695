"""The doctor's Lambda function: on a schedule, it checks whether the service works.

It makes the checks of ``usagectl doctor``, but for those of the tables' definitions, which only a
deployment changes. A check that fails is a line of the log, and counts in a metric. Those of the
API have a metric of their own, since callers notice what they find. If the function can't run to
its end, there is no metric at all, which one of the alarms takes for a failure, too.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from aws_lambda_powertools import Logger, Metrics

from usagectl import service_check
from usagectl.deployment import Deployment
from usagectl.findings import FAILURES, Finding
from usagectl.stored_caller import read_caller
from workspace_api.outcomes import Outcomes
from workspace_api.settings import DoctorSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

API_CHECKS: Final = "API, "
"""What the names of the checks of the API begin with."""

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = DoctorSettings.from_environment()


class Session(botocore.session.Session):
    """A session with the method by which boto3's makes clients. The layer has no boto3."""

    client = botocore.session.Session.create_client


@cache
def deployment() -> Deployment:
    """Returns the deployment that this function belongs to."""
    return Deployment(
        name="of this function",
        outputs=settings.outputs,
        url=settings.api_url,
        session=Session(),
        endpoints=settings.aws.endpoints,
    )


@metrics.log_metrics
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> None:  # noqa: ARG001
    """Makes all checks."""
    findings = list(_examine())
    for finding in findings:
        if finding.is_well is False:
            logger.error("check failed", extra={"check": finding.check, "reason": finding.detail})
    failed = [finding.check for finding in findings if finding.is_well is False]
    numbers = {
        "ChecksPassed": sum(finding.is_well is True for finding in findings),
        "ChecksFailed": len(failed),
        "ApiChecksFailed": sum(check.startswith(API_CHECKS) for check in failed),
    }
    outcomes.measure("checked", numbers)


def _examine() -> Iterator[Finding]:
    """Yields what is found. Without a caller, nothing else is checked."""
    try:
        caller = read_caller(deployment().ssm, settings.caller_parameter)
    except FAILURES as error:
        yield Finding("caller of the checks", is_well=False, detail=str(error))
        return
    yield from service_check.examine(deployment(), caller, caller.workspace_id)
