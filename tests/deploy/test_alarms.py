"""The real template's alarms on AWS's metrics: each fires in the cases that its runbook lists.

They are fed with what AWS reports in a case, and evaluated as CloudWatch evaluates them.
``tests/functions/test_alarms.py`` does the same with what the functions print.
"""

from datetime import timedelta
from typing import Final

import pytest

from local.template.expand import expand
from tests.deploy.alarm_cases import CASES, NO_CASES, Case
from tests.deploy.documented_alarms import ALARMS, COMPOSITES, OPTIONS, WINDOWS
from tests.deploy.reported_metrics import (
    CONCURRENCY,
    QUOTA,
    Load,
    Trouble,
    cut_off_counts,
    load,
    put_busy_day,
    put_checks,
)
from tests.deploy.stack import ROOT
from tests.support.alarms import Alarms, Properties, metrics_of
from tests.support.metrics import MetricId, Metrics
from workspace_usage.exporting.export import TIME_TO_PROGRESS

BEGIN: Final = 24 * 60
"""The minute at which trouble begins."""


def alarms_on(metrics: Metrics) -> Alarms:
    """Returns the template's alarms."""
    return Alarms(ALARMS, COMPOSITES, metrics, {CONCURRENCY: QUOTA})


def on_ours() -> set[str]:
    """Returns the alarms on metrics of the functions."""
    return {
        alarm
        for alarm, properties in ALARMS.items()
        if any(metric.namespace.startswith("WorkspaceUsage/") for metric in metrics_of(properties))
    }


@pytest.fixture(scope="module")
def busy_day() -> Metrics:
    """A day without trouble, which tests must not change."""
    metrics = Metrics()
    put_busy_day(metrics, range(BEGIN - 12 * 60, BEGIN + 2 * 60))
    return metrics


def test_each_alarm_on_metrics_of_aws_has_a_case() -> None:
    cases = {case.alarm for case in CASES} | {"CallersNoticeAlarm"}
    assert cases | on_ours() | WINDOWS.keys() == ALARMS.keys() | COMPOSITES.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm}: {case.case}")
def test_an_alarm_fires_in_its_case_and_ends(case: Case) -> None:
    """At the stated minutes, and not before the case."""
    metrics, trouble = Metrics(), range(BEGIN, BEGIN + case.lasts)
    case.trouble(metrics, trouble)
    alarms, end = alarms_on(metrics), trouble.stop
    fires = (minute for minute in trouble if alarms.state(case.alarm, minute) == "ALARM")
    assert next(fires, BEGIN) - BEGIN == case.fires_after
    ends = (m for m in range(end, end + 240) if alarms.state(case.alarm, m) == "OK")
    assert next(ends, 0) - end == case.ends_after


@pytest.mark.parametrize("alarm", NO_CASES)
def test_an_alarm_does_not_fire_for_what_passes_or_is_usual(alarm: str) -> None:
    for trouble in NO_CASES[alarm]:
        metrics, hours = Metrics(), range(BEGIN, BEGIN + 7 * 60)
        trouble(metrics, hours)
        alarms = alarms_on(metrics)
        assert all(alarms.state(alarm, minute) == "OK" for minute in hours[::3])


@pytest.mark.parametrize("alarm", sorted({*ALARMS, *COMPOSITES} - WINDOWS.keys()))
def test_an_alarm_is_ok_on_a_busy_day_and_in_a_quiet_night(alarm: str, busy_day: Metrics) -> None:
    """In the night, there are data of the checks only; one request fails after ten seconds."""
    night = Metrics()
    put_checks(night, range(BEGIN - 60, BEGIN + 120))
    Load(timed_out=1).put(night, [BEGIN])
    for metrics in (busy_day, night):
        alarms = alarms_on(metrics)
        assert all(alarms.state(alarm, m) == "OK" for m in range(BEGIN, BEGIN + 120, 7))


def test_a_run_of_the_counter_that_is_cut_off_again_and_again_stays_known() -> None:
    """After the third time, the age of the oldest request says nothing of it any more."""
    metrics, day = Metrics(), range(BEGIN, BEGIN + 24 * 60)
    cut_off_counts()(metrics, day)
    alarms = alarms_on(metrics)
    old, crashed = (
        {m for m in day if alarms.state(alarm, m) == "ALARM"}
        for alarm in ("OldCountRequestsAlarm", "CrashedCountsAlarm")
    )
    assert (min(old) - BEGIN, max(old) - BEGIN) == (64, 186)
    assert crashed == set(day[91:])
    assert not {m for m in day if alarms.state("CrashedRunsAlarm", m) == "ALARM"}


def refused(metrics: Metrics, trouble: range) -> None:
    """Adds what the authorizer prints if no token is accepted."""
    metric = MetricId.of("WorkspaceUsage/stack", "Unauthorized", {"service": "authorizer"})
    metrics.put(metric, trouble, 1, samples=2)


def unanswered_checks(metrics: Metrics, trouble: range) -> None:
    """Adds what the doctor prints if the API doesn't answer, at a quiet time."""
    for name in ("ChecksFailed", "ApiChecksFailed"):
        metric = MetricId.of("WorkspaceUsage/stack", name, {"service": "doctor"})
        metrics.put(metric, trouble[::5], 2)


def other_checks(metrics: Metrics, trouble: range) -> None:
    """Adds what the doctor prints if the dead-letter queue has messages."""
    metric = MetricId.of("WorkspaceUsage/stack", "ChecksFailed", {"service": "doctor"})
    metrics.put(metric, trouble[::5], 1)


def unavailable(metrics: Metrics, trouble: range) -> None:
    """Adds what the usage function prints if services invoke it and a table doesn't answer."""
    metric = MetricId.of("WorkspaceUsage/stack", "StoreUnavailable", {"service": "usage"})
    metrics.put(metric, trouble, 1, samples=5)


@pytest.mark.parametrize(
    ("trouble", "members"),
    [
        (load(Load(fast=94, failed=6)), {"ServerErrorsAlarm", "FastBurnAlarm", "SlowBurnAlarm"}),
        (load(Load(fast=986, slow=14)), {"SlowAnswersAlarm", "SlowBurnAlarm"}),
        (load(Load(fast=98, slow=2)), {"SlowAnswersAlarm", "FastBurnAlarm", "SlowBurnAlarm"}),
        (load(Load(fast=993, slow=7)), {"SlowBurnAlarm"}),
        (unavailable, {"UnavailableStoreAlarm"}),
        (refused, {"NobodyComesInAlarm", "RefusedTokensAlarm"}),
        (unanswered_checks, {"FailedApiChecksAlarm", "FailedChecksAlarm"}),
    ],
)
def test_what_callers_notice_pages(trouble: Trouble, members: set[str]) -> None:
    """By one alarm. The others say what it is."""
    assert firing_after_an_hour(trouble) == members | {"CallersNoticeAlarm"}


def test_checks_of_anything_but_the_api_do_not_page() -> None:
    assert firing_after_an_hour(other_checks) == {"FailedChecksAlarm"}


def firing_after_an_hour(trouble: Trouble) -> set[str]:
    """Returns the alarms that are on at the end of an hour of trouble, but for windows."""
    metrics, hour = Metrics(), range(BEGIN, BEGIN + 60)
    put_checks(metrics, hour)
    trouble(metrics, hour)
    alarms = alarms_on(metrics)
    firing = {alarm for alarm in ALARMS | COMPOSITES if alarms.state(alarm, hour[-1]) == "ALARM"}
    return firing - WINDOWS.keys()


def page_if(*on: str) -> str:
    """Returns the state of the alarm that pages if only these metric alarms are on."""
    metric, metrics = MetricId.of("Namespace", "Metric", {}), Metrics()
    metrics.put(metric, [0], 1)
    on_or_off: dict[str, Properties] = {
        alarm: {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0 if alarm in on else 1,
            "TreatMissingData": "notBreaching",
        }
        for alarm in ALARMS
    }
    return Alarms(on_or_off, COMPOSITES, metrics).state("CallersNoticeAlarm", 1)


def test_each_alarm_that_callers_notice_is_enough_to_page() -> None:
    """Of a burn alarm, both windows are needed."""
    enough = [
        {"ServerErrorsAlarm"},
        {"SlowAnswersAlarm"},
        {"UnavailableStoreAlarm"},
        {"NobodyComesInAlarm"},
        {"FailedApiChecksAlarm"},
        {"FastBurnLongWindowAlarm", "FastBurnShortWindowAlarm"},
        {"SlowBurnLongWindowAlarm", "SlowBurnShortWindowAlarm"},
    ]
    assert [page_if(*alarms) for alarms in enough] == ["ALARM"] * len(enough)
    others = ALARMS.keys() - set().union(*enough)
    assert page_if(*others, "FastBurnLongWindowAlarm", "SlowBurnShortWindowAlarm") == "OK"
    assert page_if(*others, "SlowBurnLongWindowAlarm", "FastBurnShortWindowAlarm") == "OK"


def test_a_stack_can_do_without_alarms() -> None:
    """Nothing else in the template refers to them."""
    template = expand(ROOT / "template.yaml", {"AlarmsEnabled": "false", **OPTIONS})
    assert not [name for name in template.resources if name.endswith("Alarm")]


def test_an_export_that_waits_is_told_before_it_counts_as_failed() -> None:
    [case] = [case for case in CASES if case.alarm == "OldExportsAlarm"]
    assert timedelta(minutes=case.fires_after) < TIME_TO_PROGRESS
