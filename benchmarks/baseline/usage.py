"""The listing, written in a day: see the package's docstring. Its 200 answers are ours."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ForbiddenError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from pydantic import BaseModel

logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver(enable_validation=True)

dynamodb: Any = boto3.resource("dynamodb")
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
executions = dynamodb.Table(os.environ["EXECUTIONS_TABLE"])
archived = dynamodb.Table(os.environ["ARCHIVED_EXECUTIONS_TABLE"])
edited = dynamodb.Table(os.environ["EDITED_CHATS_TABLE"])
zone = ZoneInfo(os.environ["TIME_ZONE"])

MEDIA = ("image", "video", "voiceover")

type Source = Literal["current", "archived", "edited"]


class Tokens(BaseModel):
    """Tokens that an execution was billed by."""

    input: int | None
    output: int | None
    total: int | None


class Item(BaseModel):
    """One item of the answer."""

    id: int | str
    created_at: str
    user_id: int
    type: str
    status: Literal["succeeded", "failed"]
    email: str
    credits: float
    name: str
    slug: str
    output: str | None
    root_id: int | None
    execution_origin: str | None
    source: Literal["current", "archived", "edited"]
    used_model: str | None
    tokens: Tokens | None
    link: str | None


class Page(BaseModel):
    """The answer."""

    items: list[Item]
    has_more: bool
    page: int | None
    per_page: int
    next_cursor: str | None


@app.get("/workspaces/usage")
def list_usage(
    range_: Annotated[Literal["1d", "7d", "30d"] | None, Query(alias="range")] = None,
    start_date: Annotated[date | None, Query()] = None,
    end_date: Annotated[date | None, Query()] = None,
    user_id: Annotated[int | None, Query(ge=1)] = None,
    type_: Annotated[
        Literal["all", "chat", "image", "text", "voiceover", "video", "code"], Query(alias="type")
    ] = "all",
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query()] = None,
) -> Page:
    """One page of a workspace's history."""
    context: Any = app.current_event.request_context.authorizer or {}
    if (start_date is None) != (end_date is None):
        raise BadRequestError("both dates or neither")
    if context["sees"] != "everyone":
        if user_id not in (None, int(context["user_id"])):
            raise ForbiddenError("not yours")
        user_id = int(context["user_id"])
    low, high = window(range_, start_date, end_date)
    if cursor:
        high = min(high, before(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()))
    offset = 0 if cursor else (page - 1) * per_page
    wanted = offset + per_page + 1
    kind = None if type_ == "all" else type_
    workspace_id = int(context["workspace_id"])
    found: dict[str, tuple[Source, dict[str, Any]]] = {}
    sources: list[tuple[Source, Any]] = [("current", executions), ("archived", archived)]
    if kind in (None, "chat"):
        sources.append(("edited", edited))
    for source, table in sources:
        for row in query(table, source, workspace_id, user_id, kind, low, high, wanted):
            found[row["sort_key"]] = (source, row)
    rows = [found[key] for key in sorted(found, reverse=True)][offset : offset + per_page + 1]
    metrics.add_metric(name="RowsReturned", unit=MetricUnit.Count, value=len(rows))
    shown = rows[:per_page]
    has_more = len(rows) > per_page
    return Page(
        items=[to_item(source, row) for source, row in shown],
        has_more=has_more,
        page=None if cursor else page,
        per_page=per_page,
        next_cursor=encode(shown[-1][1]["sort_key"]) if has_more else None,
    )


def window(range_: str | None, start: date | None, end: date | None) -> tuple[str, str]:
    """The least and the greatest sort key."""
    today = datetime.now(zone).date()
    setting = parameters.get_parameter(
        os.environ["MIN_DATE_PARAMETER"], transform="json", max_age=60
    )
    if start is None or end is None:
        days = {"1d": 1, "7d": 7}.get(range_ or "", 30)
        start, end = today - timedelta(days=days - 1), today
    if setting["enabled"]:
        start = max(start, date.fromisoformat(setting["date"]))
    return midnight(start), midnight(end + timedelta(days=1))


def midnight(day: date) -> str:
    """The first moment of a day."""
    moment = datetime.combine(day, time(), zone).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def query(
    table: Any,
    source: str,
    workspace_id: int,
    user_id: int | None,
    kind: str | None,
    low: str,
    high: str,
    wanted: int,
) -> list[dict[str, Any]]:
    """A table's rows, newest first."""
    condition = Key("workspace_id").eq(workspace_id) & Key("sort_key").between(low, high)
    names = []
    if user_id is not None:
        condition = condition & Key("user_id").eq(user_id)
        names.append("user")
    if kind is not None and source != "edited":
        condition = condition & Key("agent_type").eq(kind)
        names.append("type")
    request: dict[str, Any] = {"KeyConditionExpression": condition, "ScanIndexForward": False}
    if names:
        request["IndexName"] = "by_" + "_and_".join(names)
    rows: list[dict[str, Any]] = []
    while len(rows) < wanted:
        answer = table.query(**request, Limit=wanted - len(rows))
        rows += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return rows


def to_item(source: Source, row: dict[str, Any]) -> Item:
    """A row as the answer shows it."""
    if "archived" in row:
        source = "archived"
    created_at, _, number = row["sort_key"].split("#")
    succeeded = row["status"] == "succeeded"
    kind = row["agent_type"]
    if source == "archived":
        output: str | None = "This item was deleted."
    elif source == "edited":
        output = "This item was edited."
    elif kind in MEDIA:
        output = row.get("output")
    else:
        output = "This content is only available on Tess"
    tokens = None
    if row.get("token_billing"):
        tokens = Tokens(
            input=row.get("input_tokens"),
            output=row.get("output_tokens"),
            total=row.get("total_tokens"),
        )
    return Item(
        id=f"chat-edited-{int(number)}" if source == "edited" else int(number),
        created_at=created_at,
        user_id=int(row["user_id"]),
        type=kind,
        status="succeeded" if succeeded else "failed",
        email=row["user_email"],
        credits=float(row["credits"]) if succeeded else 0,
        name=row["agent_title"],
        slug=row["agent_slug"],
        output=output,
        root_id=row.get("root_id"),
        execution_origin=row.get("execution_origin"),
        source=source,
        used_model=row.get("used_model"),
        tokens=tokens,
        link=link(source, row, int(number), succeeded),
    )


def link(source: str, row: dict[str, Any], number: int, succeeded: bool) -> str | None:
    """Where a row's result is."""
    if source != "current":
        return None
    if row["agent_type"] == "chat":
        conversation = int(row.get("root_id", number))
        return f"/dashboard/user/ai/chat/ai-chat/{row['agent_slug']}?_chat_id={conversation}"
    output = row.get("output")
    if row["agent_type"] not in MEDIA or not succeeded or not output:
        return None
    if output.lower().startswith(("http://", "https://")):
        return str(output)
    url: str = s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": os.environ["MEDIA_BUCKET"], "Key": output},
        ExpiresIn=int(os.environ["LINK_LIFETIME_SECONDS"]),
    )
    return url


def encode(sort_key: str) -> str:
    """A sort key as a cursor."""
    created_at, rank, number = sort_key.split("#")
    text = f"{created_at}#{rank}#{int(number)}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def before(cursor: str) -> str:
    """The greatest sort key below a cursor's."""
    created_at, rank, number = cursor.split("#")
    return f"{created_at}#{rank}#{int(number) - 1:020d}"


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's event in, its response out."""
    logger.info("listing usage")
    return app.resolve(event, context)
