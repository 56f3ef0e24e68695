"""What API Gateway makes of a Lambda authorizer's result: a decision, and a context of strings.

Its input and output are described in the API Gateway developer guide, "Use API Gateway Lambda
authorizers". An result that is not of that form lets nobody in.
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
    """Whether the request may pass, and what the authorizer says about it."""

    allowed: bool
    context: Mapping[str, str]


def decide(result: Result, method_arn: str) -> Decision:
    """The decision in an authorizer's result, for the method ``method_arn``.

    Raises:
        Refused: the authorizer says that the caller is unknown, failed, or answered nonsense.
    """
    content = parse_payload(result.payload, AUTHORIZER_UNUSABLE)
    if result.is_error:
        unauthorized = content.get("errorMessage") == "Unauthorized"
        raise Refusal(UNAUTHORIZED if unauthorized else AUTHORIZER_FAILURE)
    if not isinstance(content, dict) or not isinstance(content.get("principalId"), str):
        raise Refusal(AUTHORIZER_UNUSABLE)
    context = {"principalId": content["principalId"], **_flatten(content.get("context") or {})}
    policy = content.get("policyDocument")
    statements = _as_list(policy.get("Statement")) if isinstance(policy, dict) else []
    effects = {_effect(statement, method_arn) for statement in statements}
    return Decision(allowed="Allow" in effects and "Deny" not in effects, context=context)


def _flatten(context: object) -> dict[str, str]:
    """Every value as a string; API Gateway takes nothing that is nested."""
    if not isinstance(context, dict):
        raise Refusal(AUTHORIZER_UNUSABLE)
    flat = {}
    for name, value in context.items():
        if not isinstance(value, str | int | float):
            raise Refusal(AUTHORIZER_UNUSABLE)
        flat[name] = value if isinstance(value, str) else json.dumps(value)
    return flat


def _effect(statement: object, method_arn: str) -> str | None:
    """What one statement says about the method; None when it says nothing."""
    # What isn't understood, such as a condition, must not be passed over: it might forbid.
    if not isinstance(statement, dict) or not statement.keys() <= _STATEMENT_KEYS:
        raise Refusal(AUTHORIZER_UNUSABLE)
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise Refusal(AUTHORIZER_UNUSABLE)
    invoked = any(_matches(a.lower(), _INVOKE.lower()) for a in _texts(statement.get("Action")))
    meant = any(_matches(r, method_arn) for r in _texts(statement.get("Resource")))
    return statement["Effect"] if invoked and meant else None


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
    """IAM's wildcards: ``*`` for any text, ``?`` for one character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
