"""Alarms are evaluated here as in the examples of CloudWatch's user guide."""

from typing import Any, Final

import pytest

from tests.support.alarms import MORE_PERIODS, Alarms, evaluate
from tests.support.metrics import MetricId, Metrics

METRIC: Final = MetricId.of("Namespace", "Metric", {})


def alarm(needed: int, missing_data: str = "notBreaching") -> dict[str, Any]:
    """Returns the properties of an alarm on three periods; values above 0 breach."""
    return {
        "Namespace": "Namespace",
        "MetricName": "Metric",
        "Dimensions": [],
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": needed,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": missing_data,
    }


@pytest.mark.parametrize(
    ("points", "needed", "not_breaching", "breaching"),
    [
        ("0-X-X", 3, "OK", "OK"),
        ("0----", 3, "OK", "OK"),
        ("-----", 3, "OK", "ALARM"),
        ("0XX-X", 3, "ALARM", "ALARM"),
        ("----X", 3, "OK", "ALARM"),
        ("X----", 3, "OK", "ALARM"),
        ("0-X-X", 2, "ALARM", "ALARM"),
        ("00X0X", 2, "ALARM", "ALARM"),
        ("0-X--", 2, "OK", "ALARM"),
        ("----0", 2, "OK", "ALARM"),
        ("----X", 2, "OK", "ALARM"),
    ],
)
def test_an_alarm_looks_further_back_if_data_are_missing(
    points: str, needed: int, not_breaching: str, breaching: str
) -> None:
    """The tables of "Configuring how CloudWatch alarms treat missing data". X breaches."""
    assert len(points) == 3 + MORE_PERIODS
    metrics = Metrics()
    for number, point in enumerate(points):
        if point != "-":
            metrics.put(METRIC, [5 * number], 1 if point == "X" else 0)
    for missing_data, state in {"notBreaching": not_breaching, "breaching": breaching}.items():
        alarms = Alarms({"alarm": alarm(needed, missing_data)}, {}, metrics)
        assert alarms.state("alarm", 25) == state


NO: Final = None
"""A missing value."""


@pytest.mark.parametrize(
    ("expression", "m1", "m2", "m3", "expected"),
    [
        ("m1 < m2", [30, 20, 0, 0], [20, NO, 20, NO], [NO] * 4, [0, 0, 1, 0]),
        ("m1 >= 30", [30, 20, 0, 0], [NO] * 4, [NO] * 4, [1, 0, 0, 0]),
        (
            "IF(m1, m2, m3)",
            [1, 1, 0, 0, NO],
            [30, NO, 0, 0, 30],
            [0, 0, 20, NO, 20],
            [30, 0, 20, NO, NO],
        ),
        ("IF(m1, 5, m3)", [1, 1, 0, 0, NO], [NO] * 5, [0, 0, 20, NO, 20], [5, 5, 20, NO, NO]),
        ("IF(m1, m2, 5)", [1, 1, 0, 0, NO], [30, NO, 0, 0, 30], [NO] * 5, [30, 0, 5, 5, NO]),
        ("m1 + m2", [1, 1, NO, NO], [2, NO, 2, NO], [NO] * 4, [3, 1, 2, NO]),
        ("100 * m1 / m2", [1, 1, NO, NO], [2, NO, 2, 0], [NO] * 4, [50, NO, 0, NO]),
        ("m1 / (2 * 5)", [10, NO], [NO] * 2, [NO] * 2, [1, NO]),
    ],
)
def test_metric_math_takes_a_missing_value_for_0_if_another_one_exists(
    expression: str,
    m1: list[float | None],
    m2: list[float | None],
    m3: list[float | None],
    expected: list[float | None],
) -> None:
    """The examples of "Using math expressions"; what is divided by 0 is dropped."""
    for *values, result in zip(m1, m2, m3, expected, strict=True):
        by_name = dict(zip(("m1", "m2", "m3"), values, strict=True))
        assert evaluate(expression, by_name.__getitem__, by_name.get) == result


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("SampleCount", 100),
        ("Sum", 5_050),
        ("Average", 50.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("p99", 99),
        ("PR(:30)", 30),
        ("PR(10:30)", 20),
    ],
)
def test_statistics_are_of_all_samples_of_a_period(statistic: str, expected: float) -> None:
    """Of a percentile rank, the lower bound is exclusive, and the upper one inclusive."""
    metrics = Metrics()
    for value in range(1, 101):
        metrics.put(METRIC, [value % 5], value)
    metrics.put(METRIC, [5], 1_000)
    assert metrics.statistic(METRIC, statistic, 0, 5) == expected
    assert metrics.statistic(METRIC, statistic, 6, 10) is None


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ('ALARM("${on}")', "ALARM"),
        ('ALARM("${off}")', "OK"),
        ('OK("${off}") AND ALARM("${on}")', "ALARM"),
        ('ALARM("${off}") OR NOT ALARM("${on}")', "OK"),
        ('ALARM("${on}") OR ALARM("${off}") AND ALARM("${off}")', "ALARM"),
        ('(ALARM("${on}") OR ALARM("${off}")) AND ALARM("${off}")', "OK"),
    ],
)
def test_a_composite_alarm_follows_its_rule(rule: str, state: str) -> None:
    metrics = Metrics()
    metrics.put(METRIC, range(15), 1)
    alarms = {"on": alarm(3), "off": {**alarm(3), "Threshold": 1}}
    assert Alarms(alarms, {"both": {"AlarmRule": rule}}, metrics).state("both", 15) == state
