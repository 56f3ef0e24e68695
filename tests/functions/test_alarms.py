"""Every alarm on a metric of the functions can fire: they emit what it watches."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any, Final

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import Context
from tests.support.usage import EVERYONE, proxy_event
from workspace_usage.rollups.counter import MIN_ROWS


def fail(tables: CountedTables) -> None:
    tables.spoil_row(11)


def make_unavailable(tables: CountedTables) -> None:
    tables.delete("Executions")


def leave_a_mark(tables: CountedTables) -> None:
    tables.put_mark(11, 1, age=timedelta(hours=1))


def leave_too_much(_tables: CountedTables) -> None:
    """The run has too little time in any case."""


SITUATIONS_OF_THE_COUNTER: Final[dict[str, Callable[[CountedTables], None]]] = {
    "FailedCountsAlarm": fail,
    "UnavailableCountsAlarm": make_unavailable,
    "OldMarksAlarm": leave_a_mark,
    "UncountedRowsAlarm": leave_too_much,
}
"""What leads to each alarm on the counter if it lasts long enough."""

FAILURES_OF_AN_EXPORT: Final[dict[str, Callable[[CountedTables], None]]] = {
    "an error": fail,
    "a table that is unavailable": make_unavailable,
}


def test_there_is_a_situation_for_each_alarm(template: Template) -> None:
    alarms = {
        alarm.logical_id
        for alarm in template.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["Namespace"] == "WorkspaceUsage"
    }
    assert alarms == SITUATIONS_OF_THE_COUNTER.keys() | {"FailedExportsAlarm"}


@pytest.mark.parametrize("name", SITUATIONS_OF_THE_COUNTER)
def test_an_alarm_on_the_counter_fires_in_its_situation(
    counter: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, MIN_ROWS + 2))
    SITUATIONS_OF_THE_COUNTER[name](tables)
    # Enough to begin with the workspace and to look for rows, but not to count them.
    times = [counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP]
    counter.lambda_handler(count_batch(11), Context(remaining=times))
    assert fires(template.resources[name].properties, capsys.readouterr().out)


@pytest.mark.parametrize("failure", FAILURES_OF_AN_EXPORT)
def test_the_alarm_on_exports_fires_when_the_last_attempt_fails(
    exports: ModuleType,
    exporter: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    failure: str,
) -> None:
    """And not before: SQS delivers the message again, and the next attempt may succeed."""
    alarm = template.resources["FailedExportsAlarm"].properties
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, 3))
    FAILURES_OF_AN_EXPORT[failure](tables)
    request = {"httpMethod": "POST", "path": "/workspaces/usage/exports"}
    body = json.dumps({"range": "30d", "format": "csv"})
    exports.lambda_handler({**proxy_event(EVERYONE), **request, "body": body}, Context())
    queue = template.resources["ExportsQueue"]
    [message] = clients.sqs.receive_message(QueueUrl=queue.ref)["Messages"]
    attempts = queue.properties["RedrivePolicy"]["maxReceiveCount"]
    for attempt in range(1, attempts + 1):
        record = {
            "messageId": "m",
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": f"{attempt}"},
        }
        capsys.readouterr()
        exporter.lambda_handler({"Records": [record]}, Context(remaining=[300_000]))
        assert fires(alarm, capsys.readouterr().out) == (attempt == attempts)


def fires(alarm: Mapping[str, Any], printed: str) -> bool:
    """Returns whether a function has printed the alarm's metric with a value above the threshold.

    The metric must have the alarm's namespace and dimensions.
    """
    metric = alarm["MetricName"]
    lines = [line for line in map(json.loads, printed.splitlines()) if "_aws" in line]
    found = [line for line in lines if metric in line]
    for line in found:
        assert alarm["Dimensions"] == [{"Name": "service", "Value": line["service"]}]
        [emitted] = line["_aws"]["CloudWatchMetrics"]
        assert (emitted["Namespace"], emitted["Dimensions"]) == (alarm["Namespace"], [["service"]])
        assert metric in {definition["Name"] for definition in emitted["Metrics"]}
    return any(max(line[metric]) > alarm["Threshold"] for line in found)
