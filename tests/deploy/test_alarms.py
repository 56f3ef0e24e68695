"""The real template's alarms: what they watch, and how long it must last.

``tests/functions/test_alarms.py`` tests that the functions emit what alarms watch.
"""

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.deploy.stack import Stack
from workspace_usage.exporting.export import TIME_TO_PROGRESS

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:alarms"

QUEUE_METRICS: Final = {
    "RejectedEventsAlarm": ("ApproximateNumberOfMessagesVisible", "DeadLetterQueue"),
    "OldEventsAlarm": ("ApproximateAgeOfOldestMessage", "EventQueue"),
    "OldAccessEventsAlarm": ("ApproximateAgeOfOldestMessage", "AccessEventQueue"),
    "OldCountRequestsAlarm": ("ApproximateAgeOfOldestMessage", "CountQueue"),
    "AbandonedExportsAlarm": ("ApproximateNumberOfMessagesVisible", "ExportsDeadLetterQueue"),
    "OldExportsAlarm": ("ApproximateAgeOfOldestMessage", "ExportsQueue"),
}
"""The alarms on queues, each with a metric of SQS and a queue."""

FUNCTION_METRICS: Final = {
    "FailedCountsAlarm": ("WorkspacesFailed", "CounterFunction"),
    "UnavailableCountsAlarm": ("WorkspacesUnavailable", "CounterFunction"),
    "OldMarksAlarm": ("OldestMarkAge", "CounterFunction"),
    "UncountedRowsAlarm": ("WatermarkLag", "CounterFunction"),
    "FailedExportsAlarm": ("ExportsFailed", "ExporterFunction"),
    "FailedChecksAlarm": ("ChecksFailed", "DoctorFunction"),
}
"""The alarms on functions, each with a metric of this service and the function that emits it."""

ALARMS: Final = Stack(AlarmTopicArn=TOPIC, ChecksEnabled="true").of_type("AWS::CloudWatch::Alarm")


def duration_of(alarm: str) -> int:
    """Returns for how many seconds a metric must be over the threshold."""
    return int(ALARMS[alarm]["Period"]) * int(ALARMS[alarm]["EvaluationPeriods"])


def test_all_alarms_are_known_here() -> None:
    """Each watches a queue or a function."""
    assert ALARMS.keys() == QUEUE_METRICS.keys() | FUNCTION_METRICS.keys()


@pytest.mark.parametrize("alarm", QUEUE_METRICS)
def test_an_alarm_watches_a_queue(alarm: str) -> None:
    metric, queue = QUEUE_METRICS[alarm]
    properties = ALARMS[alarm]
    assert (properties["Namespace"], properties["MetricName"]) == ("AWS/SQS", metric)
    assert properties["Dimensions"] == [{"Name": "QueueName", "Value": f"${{{queue}.QueueName}}"}]


@pytest.mark.parametrize("alarm", FUNCTION_METRICS)
def test_an_alarm_watches_a_function(alarm: str) -> None:
    """By the namespace and the service of the function's environment."""
    metric, function = FUNCTION_METRICS[alarm]
    environment = Stack(ChecksEnabled="true").environment(function)
    properties = ALARMS[alarm]
    assert properties["MetricName"] == metric
    assert properties["Namespace"] == environment["POWERTOOLS_METRICS_NAMESPACE"]
    service = {"Name": "service", "Value": environment["POWERTOOLS_SERVICE_NAME"]}
    assert properties["Dimensions"] == [service]


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_notifies_the_topic_if_there_is_one(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmActions"] == [TOPIC]
    without: Any = Stack(ChecksEnabled="true").of_type("AWS::CloudWatch::Alarm")[alarm]
    assert not without["AlarmActions"]


@pytest.mark.parametrize("alarm", [name for name in ALARMS if name != "FailedChecksAlarm"])
def test_an_alarm_fires_when_a_metric_is_over_a_threshold_and_not_when_there_is_none(
    alarm: str,
) -> None:
    """Without messages or runs there are no metrics."""
    assert ALARMS[alarm]["ComparisonOperator"] == "GreaterThanThreshold"
    assert ALARMS[alarm]["TreatMissingData"] == "notBreaching"


def test_an_alarm_tells_of_a_revocation_that_waits_for_two_minutes() -> None:
    """It comes earlier than for late rows, because a revoked token still works."""
    assert (ALARMS["OldAccessEventsAlarm"]["Threshold"], duration_of("OldAccessEventsAlarm")) == (
        120,
        60,
    )


def test_requests_to_count_may_wait_for_long_runs() -> None:
    """A request waits for its delay and for a run of other workspaces, and is in one itself."""
    stack = Stack()
    queue, counter = stack.properties("CountQueue"), stack.properties("CounterFunction")
    usual = queue["DelaySeconds"] + 2 * counter["Timeout"]
    assert usual < ALARMS["OldCountRequestsAlarm"]["Threshold"]


def test_a_run_that_was_cut_off_shows_as_an_old_request() -> None:
    """Its messages come again after the visibility timeout, and it emits no metric."""
    timeout = Stack().properties("CountQueue")["VisibilityTimeout"]
    alarm = ALARMS["OldCountRequestsAlarm"]
    assert timeout > alarm["Threshold"] + duration_of("OldCountRequestsAlarm")


def test_an_unexpected_failure_of_the_counter_is_told_at_once() -> None:
    """Its messages come again only after an hour and a half."""
    assert (ALARMS["FailedCountsAlarm"]["Statistic"], duration_of("FailedCountsAlarm")) == (
        "Sum",
        300,
    )


@pytest.mark.parametrize("alarm", ["UnavailableCountsAlarm", "OldMarksAlarm", "UncountedRowsAlarm"])
def test_what_lasts_is_seen_in_each_period(alarm: str) -> None:
    """Runs follow one another, each of which emits the metric once at least."""
    longest_wait = Stack().properties("CounterFunction")["Timeout"]
    assert ALARMS[alarm]["Period"] >= longest_wait
    assert ALARMS[alarm]["EvaluationPeriods"] >= 3, "it passes by itself after one or two"


def test_an_export_that_has_failed_is_told_at_once() -> None:
    """By the exporter, or by the dead-letter queue if the exporter is killed."""
    failed = ALARMS["FailedExportsAlarm"]
    assert (failed["Statistic"], failed["Threshold"]) == ("Sum", 0)
    abandoned = ALARMS["AbandonedExportsAlarm"]
    assert (abandoned["Statistic"], abandoned["Threshold"]) == ("Maximum", 0)
    for alarm in ("FailedExportsAlarm", "AbandonedExportsAlarm"):
        assert duration_of(alarm) <= 300


def test_exports_may_wait_for_retries_and_not_until_they_have_failed() -> None:
    """SQS leaves a message that was received three times out of the age that it reports."""
    timeout = Stack().properties("ExportsQueue")["VisibilityTimeout"]
    alarm = ALARMS["OldExportsAlarm"]
    assert alarm["Threshold"] >= 2 * timeout
    told_after = timedelta(seconds=alarm["Threshold"] + duration_of("OldExportsAlarm"))
    assert told_after < TIME_TO_PROGRESS
