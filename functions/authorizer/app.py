"""The authorizer function: API Gateway's REQUEST event → a policy, with the caller's scope.

API Gateway invokes it for every request, even if the answer comes from its cache. All reads are
consistent, so a revoked token or a removed membership has an effect at once.
"""

import gc
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from workspace_api.gateway import headers_of, request_id_of
from workspace_api.outcomes import Outcomes
from workspace_api.policies import allow, deny
from workspace_api.settings import AuthorizerSettings
from workspace_usage.access.authorization import Authorization
from workspace_usage.access.store import AccessStore
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.errors import Forbidden, StoreUnavailable, Unauthorized
from workspace_usage.messages import choose_locale, translate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = AuthorizerSettings.from_environment()

# What is loaded so far stays loaded, so the garbage collector does not have to examine it again.
gc.freeze()


@cache
def authorization() -> Authorization:
    """Returns the authorization that all requests in this execution environment share."""
    reader = Reader.for_service(DYNAMODB, settings.aws, on_fallback=outcomes.count_fallback)
    store = AccessStore(reader, settings.access_tokens_table, settings.memberships_table)
    return Authorization(store, settings.token_policy)


prepare_snapshot(authorization)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Returns the policy for a request.

    Raises:
        Exception: with the text "Unauthorized". API Gateway makes a 401 of exactly this text.
        StoreUnavailable: a table can't be read in time; access is denied.
    """
    logger.set_correlation_id(request_id_of(event, context))
    headers = headers_of(event)
    try:
        context_of_caller = authorization().authorize(
            headers.get("authorization"), headers.get("x-workspace-id"), datetime.now(UTC)
        )
    except Unauthorized:
        _record("Unauthorized")
        # API Gateway sends a 401 for an exception with exactly this text, and a 5XX for others.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    except Forbidden as error:
        _record("Forbidden", reason=error.message_key)
        locale = choose_locale(headers.get("accept-language"), settings.default_locale)
        return deny(event["methodArn"], translate(locale, error.message_key))
    except StoreUnavailable as error:
        outcomes.record_unavailable(error)
        raise
    _record("Allowed")
    return allow(event["methodArn"], context_of_caller)


def _record(outcome: str, **details: str) -> None:
    outcomes.count(outcome)
    logger.info(outcome, extra=details)
