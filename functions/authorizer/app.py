"""The gate: an API Gateway REQUEST authorizer event → who is asking, and what they may see.

It is asked for every request, also for those that the gateway's cache answers, and reads
consistently: a revoked token or a lost membership counts at once.
"""

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_api.settings import AuthorizerSettings
from workspace_usage.access.context import to_context
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import USE_AGENTS, BearerToken
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.errors import Forbidden, StoreUnavailable, Unauthorized
from workspace_usage.messages import choose_locale, translate
from workspace_usage.values import parse_id

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = AuthorizerSettings.from_environment()

# What is loaded by now stays: the garbage collector need not look at it again and again.
gc.freeze()


@cache
def directory() -> AccessStore:
    """The directory that this environment's requests share."""
    reader = Reader.of(DYNAMODB, on_repeat=count_repeated)
    return AccessStore(reader, settings.access_tokens_table, settings.memberships_table)


def count_repeated(_: str) -> None:
    """Measures that a call did not succeed at once."""
    metrics.add_metric("CallsRepeated", MetricUnit.Count, 1)


prepare_snapshot(directory)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """The policy for one request.

    Raises:
        Exception: with the text "Unauthorized", which API Gateway answers with a 401.
        StoreUnavailable: who is asking can't be read in time; nobody is let in.
    """
    request_id = (event.get("requestContext") or {}).get("requestId", context.aws_request_id)
    logger.set_correlation_id(request_id)
    headers = lower_case(event)
    try:
        claims = identify(headers, datetime.now(UTC))
    except Unauthorized:
        count("Unauthorized")
        # API Gateway knows this one text, and no other exception, as a 401.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    except Forbidden as error:
        count("Forbidden", reason=error.message_key)
        locale = choose_locale(headers.get("accept-language"), settings.default_locale)
        message = {"message": translate(locale, error.message_key)}
        return policy("Deny", event["methodArn"], "denied", message)
    except StoreUnavailable as error:
        logger.error("unavailable", extra={"reason": str(error)})
        metrics.add_metric("StoreUnavailable", MetricUnit.Count, 1)
        raise
    count("Allowed")
    return policy("Allow", event["methodArn"], claims["user_id"], claims)


def lower_case(event: Mapping[str, Any]) -> Mapping[str, str]:
    """The request's headers, with names in lower case: clients write them as they like."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def identify(headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Who sends ``headers`` and what they may see, as the authorizer's context.

    Without a valid workspace id the context names no workspace: the function answers 422.

    Raises:
        Unauthorized: there is no living token.
        Forbidden: the token may not use agents, or its user is not in the workspace.
        StoreUnavailable: a table can't be read in time.
    """
    presented = BearerToken.from_header(headers.get("authorization"))
    stored = directory().find_token(presented)
    token = settings.token_policy.check(presented, stored, now)
    if not token.allows(USE_AGENTS):
        raise Forbidden("forbidden_ability")
    workspace_id = parse_id(headers.get("x-workspace-id"))
    if workspace_id is None:
        return {"user_id": str(token.user_id)}
    membership = directory().find_membership(workspace_id, token.user_id)
    if membership is None:
        raise Forbidden("forbidden_member")
    return to_context(membership)


def policy(effect: str, arn: str, principal: str, context: dict[str, str]) -> dict[str, Any]:
    """What API Gateway expects of an authorizer: one statement for the one method asked for."""
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


def count(outcome: str, **details: str) -> None:
    """Logs and measures one outcome."""
    metrics.add_metric(outcome, MetricUnit.Count, 1)
    logger.info(outcome, extra=details)
