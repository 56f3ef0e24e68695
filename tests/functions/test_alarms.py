"""Every alarm on a metric of the functions can fire: they emit what it watches."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Final

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import Context
from workspace_usage.rollups.counter import MIN_ROWS


def fail(tables: CountedTables) -> None:
    tables.spoil_row(11)


def make_unavailable(tables: CountedTables) -> None:
    tables.delete("Executions")


def leave_a_mark(tables: CountedTables) -> None:
    tables.put_mark(11, 1, age=timedelta(hours=1))


def leave_too_much(_tables: CountedTables) -> None:
    """The run has too little time in any case."""


SITUATIONS: Final[dict[str, Callable[[CountedTables], None]]] = {
    "FailedCountsAlarm": fail,
    "UnavailableCountsAlarm": make_unavailable,
    "OldMarksAlarm": leave_a_mark,
    "UncountedRowsAlarm": leave_too_much,
}
"""What leads to each alarm if it lasts long enough."""


def test_there_is_a_situation_for_each_alarm(template: Template) -> None:
    alarms = {
        alarm.logical_id
        for alarm in template.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["Namespace"] == "WorkspaceUsage"
    }
    assert alarms == SITUATIONS.keys()


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_alarm_fires_in_its_situation(
    counter: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """The metric has the alarm's namespace and dimensions, and a value above the threshold."""
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, MIN_ROWS + 2))
    SITUATIONS[name](tables)
    # Enough to begin with the workspace and to look for rows, but not to count them.
    times = [counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP]
    counter.lambda_handler(count_batch(11), Context(remaining=times))
    alarm = template.resources[name].properties
    metric = alarm["MetricName"]
    printed = map(json.loads, capsys.readouterr().out.splitlines())
    [found] = [line for line in printed if "_aws" in line and metric in line]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": found["service"]}]
    [emitted] = found["_aws"]["CloudWatchMetrics"]
    assert (emitted["Namespace"], emitted["Dimensions"]) == (alarm["Namespace"], [["service"]])
    assert metric in {definition["Name"] for definition in emitted["Metrics"]}
    assert max(found[metric]) > alarm["Threshold"]
