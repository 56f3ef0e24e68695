"""Checks the role with which API Gateway writes access logs: it is set once for an account.

Without it, API Gateway refuses a stage with an access log, and the stack's creation fails.
"""

from collections.abc import Iterator
from typing import Final

from tools.deploy.findings import Finding, failure, fine
from tools.deploy.target import Target

_SUBJECT: Final = "API Gateway's logging role"


def check_logging_role(target: Target) -> Iterator[Finding]:
    """Says whether the account has the role, unless the parameter AccessLog is false."""
    if target.template.values["AccessLog"] == "false":
        yield fine(_SUBJECT, "not needed, because AccessLog is false")
        return
    role = target.client("apigateway").get_account().get("cloudwatchRoleArn")
    if role:
        yield fine(_SUBJECT, role)
    else:
        yield failure(
            _SUBJECT,
            f"API Gateway has none in {target.region}; make one with `aws cloudformation deploy"
            f" --region {target.region} --stack-name api-gateway-logging --capabilities"
            " CAPABILITY_IAM --template-file deploy/api-gateway-logging.yaml`, or write"
            " `AccessLog=false` into samconfig.toml",
        )
