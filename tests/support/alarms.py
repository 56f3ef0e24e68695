"""Alarms as CloudWatch evaluates them: when metrics lead to the state ALARM, and when to OK.

The rules are those of the CloudWatch user guide:

- An alarm is evaluated each minute. Its periods end at that minute and not on the full hour.
- If data are missing, more periods are looked at than the alarm evaluates, and the latest data
  points are evaluated that exist. Only what is then still missing is filled in.
- Metric math takes a missing value for 0 where another one exists; what is divided by 0 is missing.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from tests.support.metrics import MetricId, Metrics

type State = Literal["OK", "ALARM"]
type Properties = Mapping[str, Any]

MORE_PERIODS: Final = 2
"""Periods besides the evaluated ones that are looked at; three and five in AWS's example."""

_BREACHES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

_OPERATORS: Final[Mapping[type[ast.AST], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms of a template, and the metrics that they watch.

    Attributes:
        alarms: the properties of the metric alarms, by their logical ids.
        composites: the properties of the composite alarms, by their logical ids.
        metrics: the metrics.
        quotas: what ``SERVICE_QUOTA`` returns for a metric.

    Data points are kept: metrics must not change after the first state was asked for.
    """

    alarms: Mapping[str, Properties]
    composites: Mapping[str, Properties]
    metrics: Metrics
    quotas: Mapping[MetricId, float] = field(default_factory=dict)
    _points: dict[tuple[str, int], float | None] = field(default_factory=dict, init=False)

    def state(self, alarm: str, minute: int) -> State:
        """Returns the state of an alarm at the beginning of a minute."""
        if alarm in self.composites:
            rule = self.composites[alarm]["AlarmRule"]
            return "ALARM" if self._holds(_parsed_rule(rule), minute) else "OK"
        return self._metric_state(alarm, minute)

    def _holds(self, rule: ast.expr, minute: int) -> bool:
        match rule:
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(self._holds(part, minute) for part in parts)
            case ast.BoolOp(op=ast.Or(), values=parts):
                return any(self._holds(part, minute) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return not self._holds(part, minute)
            case ast.Call(func=ast.Name(id=state), args=[ast.Constant(value=str(alarm))]):
                return self.state(alarm, minute) == state
        raise AssertionError(f"no part of an alarm rule: {ast.unparse(rule)}")

    def _metric_state(self, alarm: str, minute: int) -> State:
        properties = self.alarms[alarm]
        missing_breach = {"breaching": True, "notBreaching": False}[properties["TreatMissingData"]]
        evaluated = properties["EvaluationPeriods"]
        period = _period_of(properties)
        ends = (minute - number * period for number in range(evaluated + MORE_PERIODS))
        found = (self._point(alarm, end) for end in ends)
        points = [point for point in found if point is not None][:evaluated]
        breaches = _BREACHES[properties["ComparisonOperator"]]
        breaching = sum(breaches(point, properties["Threshold"]) for point in points)
        if missing_breach:
            breaching += evaluated - len(points)
        needed = properties.get("DatapointsToAlarm") or evaluated
        return "ALARM" if breaching >= needed else "OK"

    def _point(self, alarm: str, end: int) -> float | None:
        """Returns the data point of an alarm's period, or None if it is missing.

        Args:
            alarm: the alarm.
            end: the minute at which the period ends.
        """
        if (alarm, end) not in self._points:
            self._points[alarm, end] = self._compute_point(self.alarms[alarm], end)
        return self._points[alarm, end]

    def _compute_point(self, properties: Properties, end: int) -> float | None:
        queries = {query["Id"]: query for query in queries_of(properties)}
        begin = end - _period_of(properties)

        def value_of(name: str) -> float | None:
            query = queries[name]
            if "Expression" in query:
                return evaluate(query["Expression"], value_of, quota_of)
            stat = query["MetricStat"]["Stat"]
            return self.metrics.statistic(metric_of(query), stat, begin, end)

        def quota_of(name: str) -> float | None:
            return self.quotas.get(metric_of(queries[name]))

        [watched] = (name for name, q in queries.items() if q.get("ReturnData", True))
        return value_of(watched)


def _period_of(properties: Properties) -> int:
    """Returns the length in minutes of an alarm's periods. All of its metrics have the same."""
    [seconds] = {
        query["MetricStat"]["Period"] for query in queries_of(properties) if "MetricStat" in query
    }
    return int(seconds) // 60


@cache
def _parsed_rule(rule: str) -> ast.expr:
    text = re.sub(r'"\$\{(\w+)\}"', r'"\1"', rule)
    for word in ("AND", "OR", "NOT"):
        text = re.sub(rf"\b{word}\b", word.lower(), text)
    return ast.parse(text, mode="eval").body


def queries_of(properties: Properties) -> list[Mapping[str, Any]]:
    """Returns what an alarm asks for; an alarm without metric math asks for one metric."""
    if "Metrics" in properties:
        return list(properties["Metrics"])
    metric = {name: properties[name] for name in ("Namespace", "MetricName", "Dimensions")}
    stat = properties.get("Statistic") or properties["ExtendedStatistic"]
    return [
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": properties["Period"], "Stat": stat}}
    ]


def metric_of(query: Mapping[str, Any]) -> MetricId:
    """Returns the metric that a query names."""
    metric = query["MetricStat"]["Metric"]
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", ())}
    return MetricId.of(metric["Namespace"], metric["MetricName"], dimensions)


def metrics_of(properties: Properties) -> Iterator[MetricId]:
    """Yields the metrics that an alarm watches. Each is billed."""
    yield from (metric_of(query) for query in queries_of(properties) if "MetricStat" in query)


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of an expression at one moment: a constant, or the value of a time series."""

    value: float | None
    is_constant: bool = False


def evaluate(
    expression: str,
    value_of: Callable[[str], float | None],
    quota_of: Callable[[str], float | None],
) -> float | None:
    """Returns the value of a metric math expression at one moment, or None if it is missing.

    Args:
        expression: arithmetic, comparisons, ``IF`` and ``SERVICE_QUOTA``.
        value_of: returns the value of what has an id.
        quota_of: returns the quota of the metric that has an id.
    """

    def term(node: ast.expr) -> _Term:
        match node:
            case ast.Constant(value=int() | float() as number):
                return _Term(number, is_constant=True)
            case ast.Name(id=name):
                return _Term(value_of(name))
            case ast.BinOp(left=left, op=op, right=right):
                return _combine(_OPERATORS[type(op)], term(left), term(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _combine(_OPERATORS[type(op)], term(left), term(right))
            case ast.Call(func=ast.Name(id="IF"), args=[condition, when_true, when_false]):
                return _choose(term(condition), term(when_true), term(when_false))
            case ast.Call(func=ast.Name(id="SERVICE_QUOTA"), args=[ast.Name(id=name)]):
                return _Term(None if value_of(name) is None else quota_of(name))
        raise AssertionError(f"no metric math that is known here: {ast.unparse(node)}")

    return term(_parsed_expression(expression)).value


@cache
def _parsed_expression(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _combine(operate: Callable[[float, float], float], left: _Term, right: _Term) -> _Term:
    is_constant = left.is_constant and right.is_constant
    if not is_constant and all(p.is_constant or p.value is None for p in (left, right)):
        return _Term(None)
    try:
        return _Term(float(operate(left.value or 0, right.value or 0)), is_constant)
    except ZeroDivisionError:
        return _Term(None)


def _choose(condition: _Term, when_true: _Term, when_false: _Term) -> _Term:
    if condition.value is None:
        return _Term(None)
    return _Term(when_true.value or 0) if condition.value else _Term(when_false.value)
