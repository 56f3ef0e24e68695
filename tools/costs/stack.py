"""What is billed of the stack by the month, counted in the template for each environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from local.template.expand import expand
from local.template.template import Template, is_true

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENTS: Final = ("dev", "prod")


@dataclass(frozen=True, slots=True)
class StackCounts:
    """How many of each there are in a stack.

    Attributes:
        cache_size: GB of the API's cache, as the parameter spells it, or None if it is off.
        snapshot_gigabytes: memory of the functions that have snapshots, in GB.
        gigabytes: memory of the functions of the API, in GB.
        metrics: custom metrics: one for each name and service, and each cold start's function.
        check_metrics: those of them that only the checks on a schedule emit.
        alarm_metrics: metrics that alarms watch; one alarm may watch several.
        check_alarm_metrics: those of them that are watched only if there are checks.
        composite_alarms: alarms on alarms.
        dashboards: dashboards.
        web_acls, web_acl_rules: web ACLs, and rules in them.
        polled_queues: queues that Lambda polls.
        checks_a_month: how often the checks on a schedule run.
        check_gigabytes: memory of the function that runs them, in GB.
        has_access_log: whether API Gateway logs each request.
        trace_rate: the part of the requests that is traced.
    """

    cache_size: str | None
    snapshot_gigabytes: float
    gigabytes: float
    metrics: int
    check_metrics: int
    alarm_metrics: int
    check_alarm_metrics: int
    composite_alarms: int
    dashboards: int
    web_acls: int
    web_acl_rules: int
    polled_queues: int
    checks_a_month: int
    check_gigabytes: float
    has_access_log: bool
    trace_rate: float

    @classmethod
    def of_parameters(cls, parameters: Mapping[str, str]) -> Self:
        """Counts what a stack with some parameters has."""
        template = expand(ROOT / "template.yaml", parameters)
        without_checks = expand(ROOT / "template.yaml", {**parameters, "ChecksEnabled": "false"})
        functions = template.of_type("AWS::Lambda::Function")
        gigabytes = {
            function.logical_id: float(function.properties["MemorySize"]) / 1024
            for function in functions
        }
        stage = template.only("AWS::ApiGateway::Stage").properties
        web_acls = template.of_type("AWS::WAFv2::WebACL")
        return cls(
            cache_size=(
                str(stage["CacheClusterSize"]) if is_true(stage["CacheClusterEnabled"]) else None
            ),
            snapshot_gigabytes=sum(
                gigabytes[function.logical_id]
                for function in functions
                if function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
            ),
            gigabytes=gigabytes["UsageFunction"],
            metrics=_metrics(template),
            check_metrics=_metrics(template) - _metrics(without_checks),
            alarm_metrics=_alarm_metrics(template),
            check_alarm_metrics=_alarm_metrics(template) - _alarm_metrics(without_checks),
            composite_alarms=len(template.of_type("AWS::CloudWatch::CompositeAlarm")),
            dashboards=len(template.of_type("AWS::CloudWatch::Dashboard")),
            web_acls=len(web_acls),
            web_acl_rules=sum(len(acl.properties["Rules"]) for acl in web_acls),
            polled_queues=len(template.of_type("AWS::Lambda::EventSourceMapping")),
            checks_a_month=_runs_a_month(template),
            check_gigabytes=gigabytes.get("DoctorFunction", 0),
            has_access_log="AccessLogSetting" in stage,
            trace_rate=sum(
                float(rule.properties["SamplingRule"]["FixedRate"])
                for rule in template.of_type("AWS::XRay::SamplingRule")
            ),
        )


_SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
_HOURS_A_MONTH: Final = 730


def metrics_of(service: str) -> set[str]:
    """Returns the custom metrics of a service, as docs/operations.md lists them."""
    return {name for name, services in documented_metrics() if service in services}


def documented_metrics() -> list[tuple[str, set[str]]]:
    """Returns each metric with its services. ``ColdStart`` is emitted by all that emit others."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = text.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    listed = [
        (name, set(re.findall(r"[a-z]+", services)))
        for names, services in rows
        for name in re.findall(r"`(\w+)`", names)
    ]
    every = set[str]().union(*(services for _, services in listed)) - {"all"}
    return [(name, every if services == {"all"} else services) for name, services in listed]


def _variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    variables: Mapping[str, Any] = function["Environment"]["Variables"]
    return variables


def _metrics(template: Template) -> int:
    """Returns how many custom metrics the functions of a template emit."""
    functions = template.of_type("AWS::Lambda::Function")
    names = {str(_variables(function.properties).get(_SERVICE)) for function in functions}
    return sum(len(metrics_of(name)) for name in names)


def _alarm_metrics(template: Template) -> int:
    """Returns how many metrics the alarms of a template watch."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    return sum(_watched_metrics(alarm.properties) for alarm in alarms)


def _watched_metrics(alarm: Mapping[str, Any]) -> int:
    """Returns how many metrics an alarm watches. Expressions are not billed."""
    return sum("MetricStat" in metric for metric in alarm.get("Metrics", [{"MetricStat": None}]))


def _runs_a_month(template: Template) -> int:
    """Returns how often rules invoke functions on a schedule."""
    rates = [
        re.fullmatch(r"rate\((\d+) minutes\)", rule.properties["ScheduleExpression"])
        for rule in template.of_type("AWS::Events::Rule")
        if "ScheduleExpression" in rule.properties
    ]
    return sum(_HOURS_A_MONTH * 60 // int(rate[1]) for rate in rates if rate is not None)
