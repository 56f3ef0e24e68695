"""The authorizer, written in a day: see the package's docstring."""

import hashlib
import hmac
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import event_source
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerResponse,
)
from boto3.dynamodb.conditions import Key
from pydantic import BaseModel

logger = Logger()
metrics = Metrics()
dynamodb: Any = boto3.resource("dynamodb")
tokens = dynamodb.Table(os.environ["ACCESS_TOKENS_TABLE"])
memberships = dynamodb.Table(os.environ["MEMBERSHIPS_TABLE"])


class Token(BaseModel):
    """A stored token."""

    token_id: int
    tokenable_id: int
    token_hash: str
    abilities: list[str]
    expires_at: datetime | None = None


class Membership(BaseModel):
    """A stored membership."""

    workspace_id: int
    user_id: int
    permissions: list[str]


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
@event_source(data_class=APIGatewayAuthorizerRequestEvent)
def lambda_handler(event: APIGatewayAuthorizerRequestEvent, _: Any) -> dict[str, Any]:
    """A REQUEST authorizer's event in, a policy out."""
    headers = {name.lower(): value for name, value in event.headers.items()}
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    token = find(bearer) if scheme.lower() == "bearer" else None
    if token is None or (token.expires_at and token.expires_at <= datetime.now(UTC)):
        metrics.add_metric(name="Unauthorized", unit=MetricUnit.Count, value=1)
        raise Exception("Unauthorized")  # noqa: TRY002 - API Gateway's word for 401
    workspace_id = int(headers["x-workspace-id"])
    answer = memberships.get_item(
        Key={"workspace_id": workspace_id, "user_id": token.tokenable_id}, ConsistentRead=True
    )
    allowed = "Item" in answer and bool({"use_agents", "*"} & set(token.abilities))
    context_values: dict[str, Any] = {}
    if allowed:
        member = Membership(**answer["Item"])
        everyone = "read_users_activity" in member.permissions
        context_values = {
            "user_id": str(member.user_id),
            "workspace_id": str(workspace_id),
            "sees": "everyone" if everyone else "own",
        }
    arn = event.parsed_arn
    response = APIGatewayAuthorizerResponse(
        principal_id=str(token.tokenable_id),
        region=arn.region,
        aws_account_id=arn.aws_account_id,
        api_id=arn.api_id,
        stage=arn.stage,
        context=context_values,
    )
    if allowed:
        response.allow_route(str(arn.http_method), arn.resource)
    else:
        response.deny_all_routes()
    metrics.add_metric(name="Allowed", unit=MetricUnit.Count, value=1)
    logger.info("authorized")
    return response.asdict()


def find(bearer: str) -> Token | None:
    """The stored token, if the secret is its."""
    number, bar, secret = bearer.partition("|")
    if not bar:
        number, secret = "", number
    digest = hashlib.sha256(secret.encode()).hexdigest()
    if not number:
        found = tokens.query(
            IndexName="by_hash", KeyConditionExpression=Key("token_hash").eq(digest), Limit=1
        )["Items"]
        if not found:
            return None
        number = str(found[0]["token_id"])
    item = tokens.get_item(Key={"token_id": int(number)}, ConsistentRead=True).get("Item")
    if item is None or not hmac.compare_digest(item["token_hash"], digest):
        return None
    return Token(**item)
