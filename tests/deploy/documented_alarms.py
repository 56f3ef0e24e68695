"""The alarms as docs/resources.md describes them, in the form of CloudFormation."""

import re
from typing import Any, Final

from tests.deploy.stack import Stack
from tests.docs.extraction import document

RESOURCES: Final = document("docs/resources.md")
OPERATIONS: Final = document("docs/operations.md")

ROWS: Final = {name.strip("`"): cells for name, *cells in RESOURCES.rows("What alarms watch")}
"""The cells of each alarm's row: value, limit, periods, and what it does without data."""

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:alarms"
PAGER: Final = "arn:aws:sns:us-east-1:123456789012:pager"
OPTIONS: Final = {"ChecksEnabled": "true", "WebAclEnabled": "true"}
"""With these, there are all alarms."""

STACK: Final = Stack(AlarmTopicArn=TOPIC, PageTopicArn=PAGER, **OPTIONS)
ALARMS: Final = STACK.of_type("AWS::CloudWatch::Alarm")
COMPOSITES: Final = STACK.of_type("AWS::CloudWatch::CompositeAlarm")

WINDOWS: Final = {
    f"{burn}Burn{size}WindowAlarm": f"{burn}BurnAlarm"
    for burn in ("Fast", "Slow")
    for size in ("Long", "Short")
}
"""Alarms that only serve another one."""

_COMPARISONS: Final = {">": "GreaterThanThreshold", ">=": "GreaterThanOrEqualToThreshold"}
_SECONDS: Final = {"min": 60, "h": 3600}


def documented_alarm(alarm: str) -> dict[str, Any]:
    """Returns what decides when an alarm begins and ends, as ``comparable_alarm`` does."""
    value, limit, periods, without_data = ROWS[alarm]
    sign, threshold = limit.split()
    match = re.fullmatch(r"(\d+) of (\d+), (\d+) (min|h)", periods)
    assert match, f"{alarm}: {periods}"
    period = int(match[3]) * _SECONDS[match[4]]
    return {
        "queries": {name: _query(text, period) for name, text in map(_named, value.split("; "))},
        "ComparisonOperator": _COMPARISONS[sign],
        "Threshold": float(threshold),
        "DatapointsToAlarm": int(match[1]),
        "EvaluationPeriods": int(match[2]),
        "TreatMissingData": "breaching" if without_data == "alarm" else "notBreaching",
    }


def comparable_alarm(properties: Any) -> dict[str, Any]:
    """Returns an alarm's properties without texts and actions.

    Its queries are by their ids. The one whose value is watched has the id ``value``.
    """
    left_out = ("AlarmDescription", "AlarmActions", "OKActions")
    found = {name: value for name, value in properties.items() if name not in left_out}
    found.setdefault("DatapointsToAlarm", found["EvaluationPeriods"])
    if "Metrics" in found:
        queries = {}
        for query in found.pop("Metrics"):
            is_input = query.get("ReturnData") is False
            names = ("Id", "Label", *(["ReturnData"] if is_input else []))
            rest = {name: value for name, value in query.items() if name not in names}
            queries[query["Id"] if is_input else "value"] = rest
    else:
        names = ("Namespace", "MetricName", "Dimensions")
        metric = {name: found.pop(name) for name in names}
        stat = {"Metric": metric, "Period": found.pop("Period"), "Stat": found.pop("Statistic")}
        queries = {"value": {"MetricStat": stat}}
    return {"queries": queries, **found}


def documented_rule(alarm: str) -> str:
    """Returns the rule of a composite alarm."""
    rows = {name.strip("`"): text for name, text in RESOURCES.rows("Alarms on other alarms")}
    rule = re.sub(r"`(\w+)`", r'ALARM("${\1}")', rows[alarm])
    return rule.replace(" or ", " OR ").replace(" and ", " AND ")


def needs(alarm: str) -> str | None:
    """Returns the parameter without which there is no such alarm, as the runbooks say."""
    [means] = [means for names, means, _ in OPERATIONS.rows("Alarms") if f"`{alarm}`" in names]
    match = re.search(r"only with `(\w+)`", means)
    return match[1] if match else None


def _named(text: str) -> tuple[str, str]:
    """Returns the id of a query and what stands for it; the first one has no id."""
    match = re.fullmatch(r"`(\w+)`: (.+)", text)
    return (match[1], match[2]) if match else ("value", text)


def _query(text: str, period: int) -> dict[str, Any]:
    if text.startswith("`"):
        rate = STACK.properties("ApiStage")["MethodSettings"][0]["ThrottlingRateLimit"]
        return {"Expression": text.strip("`").replace("ThrottleRate", str(rate))}
    match = re.fullmatch(r"(\S+) of `(\w+)` of (.+)", text)
    assert match, text
    namespace, dimensions = _source(match[3])
    metric: dict[str, Any] = {"Namespace": namespace, "MetricName": match[2]}
    if dimensions:
        metric["Dimensions"] = [{"Name": k, "Value": v} for k, v in dimensions.items()]
    return {"MetricStat": {"Metric": metric, "Period": period, "Stat": match[1]}}


def _source(text: str) -> tuple[str, dict[str, str]]:
    """Returns the namespace and the dimensions of what a metric is of."""
    *words, name = text.replace("`", "").split()
    match words, name:
        case ["the"], "API":
            return "AWS/ApiGateway", {"ApiName": "stack", "Stage": "v1"}
        case ["the"], "account":
            return "AWS/Lambda", {}
        case ["service"], _:
            return "WorkspaceUsage/stack", {"service": name}
        case ["the", "rule"], _:
            return "AWS/WAFV2", {"WebACL": "stack", "Region": "us-east-1", "Rule": name}
    match STACK.resources[name]["Type"]:
        case "AWS::SQS::Queue":
            return "AWS/SQS", {"QueueName": f"${{{name}.QueueName}}"}
        case "AWS::Lambda::Function":
            return "AWS/Lambda", {"FunctionName": f"${{{name}}}"}
        case "AWS::Events::Rule":
            rule = STACK.properties(name)["Name"]
            return "AWS/Events", {"EventBusName": "${EventBus}", "RuleName": rule}
    raise AssertionError(text)
