"""The real template's dashboard: it is valid, and each of its metrics exists."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from local.template.expand import expand
from tests.deploy.stack import ROOT, Stack
from tools.costs.data import Prices
from tools.costs.stack import documented_metrics

PARAMETERS: Final[list[dict[str, str]]] = [
    {},
    {"ChecksEnabled": "true"},
    {"WebAclEnabled": "true"},
    {"ChecksEnabled": "true", "WebAclEnabled": "true"},
]

AWS_METRICS: Final = {
    "AWS/ApiGateway": {
        *("Count", "4XXError", "5XXError", "Latency", "CacheHitCount", "CacheMissCount"),
    },
    "AWS/DynamoDB": {"ConsumedReadCapacityUnits"},
    "AWS/Lambda": {"Duration", "Invocations"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}
"""Metrics that AWS's services emit."""

MAX_METRICS: Final = 50
"""An account's three free dashboards may have so many metrics each."""


class Metric(NamedTuple):
    """A metric: its namespace, its name, and its dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def widgets(stack: Stack) -> list[dict[str, Any]]:
    """Returns the widgets of a stack's dashboard."""
    found: list[dict[str, Any]] = json.loads(dashboard(stack)["DashboardBody"])["widgets"]
    return found


def dashboard(stack: Stack) -> Mapping[str, Any]:
    """Returns the properties of the only dashboard."""
    (found,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
    return found


def metrics_of(widget: Mapping[str, Any]) -> Iterator[Metric]:
    """Yields the metrics of a widget, without its expressions. "." repeats the metric before."""
    before: list[str] = []
    for entry in widget["properties"].get("metrics", []):
        texts = [part for part in entry if isinstance(part, str)]
        if not texts:
            continue
        spelled = [before[i] if text == "." else text for i, text in enumerate(texts)]
        namespace, name, *dimensions = before = spelled
        pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
        yield Metric(namespace, name, tuple(pairs))


def all_metrics(stack: Stack) -> set[Metric]:
    """Returns all metrics of the dashboard."""
    return {metric for widget in widgets(stack) for metric in metrics_of(widget)}


METRICS: Final = sorted(all_metrics(Stack()))


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_the_body_is_json_without_placeholders(parameters: dict[str, str]) -> None:
    """As the local expander writes it, which knows all names. Each widget says where it reads."""
    template = expand(ROOT / "template.yaml", parameters)
    (found,) = template.of_type("AWS::CloudWatch::Dashboard")
    body = str(found.properties["DashboardBody"])
    assert "${" not in body
    for widget in json.loads(body)["widgets"]:
        assert widget["type"] in {"alarm", "metric", "text"}
        assert 0 < widget["width"] <= 24
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "us-east-1"
            assert widget["properties"]["metrics"]


def test_rows_of_widgets_are_full() -> None:
    """The console places widgets one after the other: no row has a gap or is too wide."""
    filled = 0
    for widget in widgets(Stack()):
        filled += widget["width"]
        assert filled <= 24
        filled %= 24
    assert filled == 0


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_a_metric_of_the_dashboard_exists(metric: Metric) -> None:
    """By its namespace, name and dimensions."""
    stack, dimensions = Stack(), dict(metric.dimensions)
    if metric.namespace.startswith("WorkspaceUsage/"):
        (service,) = dimensions.values()
        assert dimensions == {"service": service}
        assert service in dict(documented_metrics())[metric.name]
        return
    assert metric.name in AWS_METRICS[metric.namespace]
    match metric.namespace, dimensions:
        case "AWS/ApiGateway", {"ApiName": name, "Stage": stage, **others}:
            (deployed,) = stack.of_type("AWS::ApiGateway::Stage").values()
            assert (name, stage) == (stack.properties("Api")["Name"], deployed["StageName"])
        case "AWS/DynamoDB", {"TableName": table, **others}:
            properties = stack.properties(table.strip("${}"))
            indexes = {index["IndexName"] for index in properties.get("GlobalSecondaryIndexes", [])}
            index = others.pop("GlobalSecondaryIndexName", None)
            assert index is None or index in indexes
        case "AWS/Lambda", {"FunctionName": function, **others}:
            assert function.strip("${}") in stack.of_type("AWS::Lambda::Function")
        case "AWS/SQS", {"QueueName": queue, **others}:
            assert queue.strip("${}").removesuffix(".QueueName") in stack.of_type("AWS::SQS::Queue")
        case _:
            pytest.fail(f"{metric.namespace} has other dimensions")
    assert others == {}


def test_a_service_of_the_dashboard_is_a_function_s() -> None:
    stack = Stack()
    services = {
        stack.environment(name).get("POWERTOOLS_SERVICE_NAME")
        for name in stack.of_type("AWS::Lambda::Function")
    }
    for metric in METRICS:
        if metric.namespace.startswith("WorkspaceUsage/"):
            assert dict(metric.dimensions)["service"] in services


def test_the_read_units_are_those_of_all_that_the_listing_reads() -> None:
    """Tables and indexes: the metric of a table does not include its indexes."""
    queried = {
        resource
        for role, statement in Stack().statements()
        if role == "UsageRole" and "dynamodb:Query" in statement["Action"]
        for resource in (
            statement["Resource"]
            if isinstance(statement["Resource"], list)
            else [statement["Resource"]]
        )
    }
    for title in ("Read units", "Dollars a day"):
        (widget,) = [w for w in widgets(Stack()) if w["properties"].get("title") == title]
        shown = {
            "/index/".join(
                [f"{dict(m.dimensions)['TableName'].removesuffix('}')}.Arn}}", *index_of(m)]
            )
            for m in metrics_of(widget)
            if m.namespace == "AWS/DynamoDB"
        }
        assert shown == queried


def index_of(metric: Metric) -> list[str]:
    """Returns the name of a metric's index, or nothing."""
    return [value for name, value in metric.dimensions if name == "GlobalSecondaryIndexName"]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_the_dashboard_has_the_state_of_every_alarm(parameters: dict[str, str]) -> None:
    stack = Stack(**parameters)
    shown = {
        arn
        for widget in widgets(stack)
        if widget["type"] == "alarm"
        for arn in widget["properties"]["alarms"]
    }
    alarms = {
        name
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for name in stack.of_type(kind)
        if not name.endswith("WindowAlarm")  # a half of another alarm
    }
    assert shown == {f"${{{name}.Arn}}" for name in alarms}


def test_the_dashboard_is_one_of_those_that_cost_nothing() -> None:
    assert len(METRICS) <= MAX_METRICS


def test_the_prices_are_those_of_the_costs() -> None:
    """The text states them, and the expressions use them."""
    units = Prices.read().units
    (text,) = [
        w["properties"]["markdown"]
        for w in widgets(Stack())
        if "# Money" in w["properties"].get("markdown", "")
    ]
    (widget,) = [w for w in widgets(Stack()) if w["properties"].get("title") == "Dollars a day"]
    expressions = " ".join(
        entry[0]["expression"]
        for entry in widget["properties"]["metrics"]
        if isinstance(entry[0], dict)
    )
    for name in ("api_request", "lambda_invocation", "read_unit"):
        dollars = units[name] * 1_000_000
        assert re.search(rf"\$({dollars:.2f}|{dollars:.3f}) ", text)
        assert re.search(rf"\* ({dollars:.2f}|{dollars:.3f}) / 1000000", expressions)
    assert f"${units['lambda_gb_second']:.10f} a GB-second" in text
    assert f"* {units['lambda_gb_second']:.10f}" in expressions


def test_money_is_shown_for_days() -> None:
    """Each point is a day, so the range that is chosen for the others would have one or two."""
    (widget,) = [w for w in widgets(Stack()) if w["properties"].get("title") == "Dollars a day"]
    properties = widget["properties"]
    assert (properties["period"], properties["start"]) == (86_400, "-P7D")


def test_the_dashboard_can_be_left_out() -> None:
    """With its output."""
    stack = Stack(DashboardEnabled="false")
    assert not stack.of_type("AWS::CloudWatch::Dashboard")
    assert "DashboardUrl" not in stack.outputs


def test_stacks_of_one_account_do_not_share_a_dashboard() -> None:
    """Dashboards belong to an account, not to a region."""
    assert dashboard(Stack())["DashboardName"] == "stack-us-east-1"
