"""Every alarm on a metric of the functions fires in the cases that its runbook lists.

The functions run in a case, and what they print is evaluated as CloudWatch evaluates it.
``tests/deploy/test_alarms.py`` does the same with what AWS's services report.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, Final

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.functions.alarm_cases import (
    CASES,
    FAILURES_OF_AN_EXPORT,
    RUNS,
    Case,
    start_export,
)
from tests.support.alarms import Alarms, metrics_of
from tests.support.authorizer import put_membership, put_token
from tests.support.counting import CountedTables
from tests.support.functions import Context
from tests.support.metrics import Metrics
from workspace_usage.rollups.counter import MIN_ROWS

BEGIN: Final = 24 * 60
"""The minute at which a case begins. Before, and in a quiet night, no function runs."""


@pytest.fixture
def tables(clients: Clients, template: Template) -> CountedTables:
    """The stack's tables, with a row, a token and a member."""
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, 2))
    put_token(clients, template)
    put_membership(clients, template)
    return tables


def put_rows_to_count(tables: CountedTables) -> None:
    """Stores as many rows as the counter begins with."""
    tables.put_rows(11, range(2, MIN_ROWS + 2))


def alarms_on(template: Template, metrics: Metrics) -> Alarms:
    """Returns the template's alarms."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    return Alarms({alarm.logical_id: alarm.properties for alarm in alarms}, {}, metrics)


def printed_by(
    run: Callable[[ModuleType], None], module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> str:
    """Returns the metrics that a run prints, which may fail."""
    capsys.readouterr()
    # Tokens that are refused, and tables that don't answer, are raised as errors.
    with suppress(Exception):
        run(module)
    lines = capsys.readouterr().out.splitlines()
    return "\n".join(line for line in lines if line.startswith("{") and "_aws" in line)


def alarms_on_ours(template: Template) -> set[str]:
    """Returns the alarms on metrics of the functions."""
    return {
        alarm.logical_id
        for alarm in template.of_type("AWS::CloudWatch::Alarm")
        if any(
            metric.namespace.startswith("WorkspaceUsage/")
            for metric in metrics_of(alarm.properties)
        )
    }


def test_each_alarm_on_metrics_of_the_functions_has_a_case(template: Template) -> None:
    assert alarms_on_ours(template) == {case.alarm for case in CASES} | {"FailedExportsAlarm"}


def changed(printed: str, values: Mapping[str, float]) -> str:
    """Returns what was printed, with other values of some metrics, if it has any."""
    blobs = []
    for blob in map(json.loads, printed.splitlines()):
        [directive] = blob["_aws"]["CloudWatchMetrics"]
        if "ColdStart" not in blob:
            names = {definition["Name"] for definition in directive["Metrics"]} | values.keys()
            directive["Metrics"] = [{"Name": name} for name in names]
            blob.update(values)
        blobs.append(json.dumps(blob))
    return "\n".join(blobs)


def groups_of_cases() -> list[list[Case]]:
    """Returns the cases with the same trouble together, since their functions print the same."""
    groups: dict[object, list[Case]] = {}
    for case in CASES:
        groups.setdefault((case.function, case.put, case.run), []).append(case)
    return list(groups.values())


@pytest.mark.parametrize(
    "cases", groups_of_cases(), ids=lambda cases: f"{cases[0].alarm}: {cases[0].function}"
)
def test_an_alarm_fires_in_its_case_and_ends(
    cases: list[Case],
    tables: CountedTables,
    template: Template,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At the stated minutes, and not before the case."""
    module = request.getfixturevalue(cases[0].function)
    if cases[0].function == "counter":
        put_rows_to_count(tables)
    cases[0].put(tables)
    printed = printed_by(cases[0].run or RUNS[cases[0].function], module, capsys)
    for case in cases:
        metrics, trouble = Metrics(), range(BEGIN, BEGIN + case.lasts)
        metrics.put_printed(changed(printed, case.values), trouble[:: case.each], case.runs)
        alarms, end = alarms_on(template, metrics), trouble.stop
        fires = (m for m in range(BEGIN, end + 360) if alarms.state(case.alarm, m) == "ALARM")
        first = next(fires, None)
        assert first == (None if case.fires_after is None else BEGIN + case.fires_after), case
        if first is not None:
            ends = (m for m in range(end, end + 360) if alarms.state(case.alarm, m) == "OK")
            assert next(ends, 0) - end == case.ends_after, case


def test_no_alarm_fires_while_functions_work(
    tables: CountedTables,
    template: Template,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nor for one run of each that fails, unless a person has to look at it."""
    put_rows_to_count(tables)
    modules = {function: request.getfixturevalue(function) for function in RUNS}
    metrics, day = Metrics(), range(BEGIN - 6 * 60, BEGIN + 60)
    for function, module in modules.items():
        printed = printed_by(RUNS[function], module, capsys)
        assert f'"service":"{function}"' in printed.replace(" ", "")
        metrics.put_printed(printed, day)
    for table in ("Executions", "AccessTokens", "Exports"):
        tables.delete(table)
    for function, module in modules.items():
        metrics.put_printed(printed_by(RUNS[function], module, capsys), [BEGIN])
    alarms = alarms_on(template, metrics)
    for alarm in alarms_on_ours(template):
        assert all(alarms.state(alarm, minute) == "OK" for minute in day[300::3]), alarm


@pytest.mark.parametrize("failure", FAILURES_OF_AN_EXPORT)
def test_the_alarm_on_exports_fires_when_the_last_attempt_fails(
    tables: CountedTables,
    exports: ModuleType,
    exporter: ModuleType,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    failure: str,
) -> None:
    """And not before: SQS delivers the message again, and the next attempt may succeed."""
    FAILURES_OF_AN_EXPORT[failure](tables)
    start_export(exports)
    queue = template.resources["ExportsQueue"]
    [message] = tables.clients.sqs.receive_message(QueueUrl=queue.ref)["Messages"]
    attempts = queue.properties["RedrivePolicy"]["maxReceiveCount"]
    for attempt in range(1, attempts + 1):
        record = {
            "messageId": "m",
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": f"{attempt}"},
        }

        def write(exporter: ModuleType, record: Any = record) -> None:
            exporter.lambda_handler({"Records": [record]}, Context(remaining=[300_000]))

        metrics = Metrics()
        metrics.put_printed(printed_by(write, exporter, capsys), [BEGIN])
        alarms = alarms_on(template, metrics)
        expected = "ALARM" if attempt == attempts else "OK"
        assert alarms.state("FailedExportsAlarm", BEGIN + 1) == expected
        assert alarms.state("FailedExportsAlarm", BEGIN + 20) == "OK"
