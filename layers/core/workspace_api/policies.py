"""The policies that an API Gateway Lambda authorizer returns: one statement, for one method."""

from collections.abc import Mapping
from typing import Any


def allow(arn: str, context: Mapping[str, str]) -> dict[str, Any]:
    """Returns the policy that lets a request through.

    Args:
        arn: the method's, from the authorizer's event.
        context: what the function is told of the caller; it names at least the ``user_id``.
    """
    return _policy("Allow", arn, context["user_id"], context)


def deny(arn: str, message: str) -> dict[str, Any]:
    """Returns the policy that makes a 403 of a request; the caller gets to see ``message``."""
    return _policy("Deny", arn, "denied", {"message": message})


def _policy(effect: str, arn: str, principal: str, context: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
