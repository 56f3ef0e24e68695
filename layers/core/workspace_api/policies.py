"""The policies that an authorizer function returns to API Gateway: allow or deny one method."""

from collections.abc import Mapping
from typing import Any


def allow(arn: str, context: Mapping[str, str]) -> dict[str, Any]:
    """Returns the policy that allows a request.

    Args:
        arn: the method's ARN, from the authorizer's event.
        context: tells the usage function about the caller; it has at least a ``user_id``.
    """
    return _policy("Allow", arn, context["user_id"], context)


def deny(arn: str, message: str) -> dict[str, Any]:
    """Returns the policy that denies a request.

    Args:
        arn: the method's ARN, from the authorizer's event.
        message: the text of the 403 that API Gateway sends to the caller.
    """
    return _policy("Deny", arn, "denied", {"message": message})


def _policy(effect: str, arn: str, principal: str, context: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
