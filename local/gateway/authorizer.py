"""What API Gateway reads from a Lambda authorizer's result: a decision, and a context of strings.

The API Gateway developer guide describes the format, "Use API Gateway Lambda authorizers". A result
in any other format lets nobody in.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.functions.invocation import Result
from local.gateway.proxy import parse_payload
from local.gateway.responses import AUTHORIZER_FAILURE, AUTHORIZER_UNUSABLE, UNAUTHORIZED, Refusal

_INVOKE: Final = "execute-api:Invoke"
_STATEMENT_KEYS: Final = {"Sid", "Effect", "Action", "Resource"}


@dataclass(frozen=True, slots=True)
class Decision:
    """An authorizer's decision.

    Attributes:
        is_allowed: whether the method may be invoked.
        context: what the method's function gets to know about the caller.
    """

    is_allowed: bool
    context: Mapping[str, str]


def decide(result: Result, method_arn: str) -> Decision:
    """Returns an authorizer's decision on the method ``method_arn``.

    Raises:
        Refusal: the authorizer does not know the caller, failed, or returned something else.
    """
    content = parse_payload(result.payload, AUTHORIZER_UNUSABLE)
    if result.is_error:
        is_unauthorized = content.get("errorMessage") == "Unauthorized"
        raise Refusal(UNAUTHORIZED if is_unauthorized else AUTHORIZER_FAILURE)
    if not isinstance(content, dict) or not isinstance(content.get("principalId"), str):
        raise Refusal(AUTHORIZER_UNUSABLE)
    context = {"principalId": content["principalId"], **_flatten(content.get("context") or {})}
    policy = content.get("policyDocument")
    statements = _as_list(policy.get("Statement")) if isinstance(policy, dict) else []
    effects = {_effect(statement, method_arn) for statement in statements}
    return Decision(is_allowed="Allow" in effects and "Deny" not in effects, context=context)


def _flatten(context: object) -> dict[str, str]:
    """Returns the context with every value as a string; API Gateway accepts no nested values."""
    if not isinstance(context, dict):
        raise Refusal(AUTHORIZER_UNUSABLE)
    flat = {}
    for name, value in context.items():
        if not isinstance(value, str | int | float):
            raise Refusal(AUTHORIZER_UNUSABLE)
        flat[name] = value if isinstance(value, str) else json.dumps(value)
    return flat


def _effect(statement: object, method_arn: str) -> str | None:
    """Returns a statement's effect on the method, or None if it says nothing about it."""
    # An unknown key, such as Condition, must not be ignored: it could deny.
    if not isinstance(statement, dict) or not statement.keys() <= _STATEMENT_KEYS:
        raise Refusal(AUTHORIZER_UNUSABLE)
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise Refusal(AUTHORIZER_UNUSABLE)
    has_action = any(_matches(a.lower(), _INVOKE.lower()) for a in _texts(statement.get("Action")))
    has_resource = any(_matches(r, method_arn) for r in _texts(statement.get("Resource")))
    return statement["Effect"] if has_action and has_resource else None


def _texts(value: object) -> list[str]:
    texts = _as_list(value)
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(AUTHORIZER_UNUSABLE)
    return texts


def _as_list(value: Any) -> list[Any]:
    if value is None:
        raise Refusal(AUTHORIZER_UNUSABLE)
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern of IAM: ``*`` is any text, ``?`` any character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
