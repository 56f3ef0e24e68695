"""Every alarm on a metric of the functions fires in the case that its runbook lists.

The functions run in that case, and what they print is evaluated as CloudWatch evaluates it.
``tests/deploy/test_alarms.py`` does the same with what AWS's services report.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.alarms import Alarms, metrics_of
from tests.support.authorizer import authorize, put_membership, put_token
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import ROOT, Context
from tests.support.metrics import Metrics
from tests.support.usage import EVERYONE, proxy_event
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rows.row import Source, to_stored_item

BEGIN: Final = 24 * 60
"""The minute at which a case begins; before, and in a quiet night, no function runs."""


def count(counter: ModuleType) -> None:
    counter.lambda_handler(count_batch(11), Context(remaining=[900_000]))


def count_without_time(counter: ModuleType) -> None:
    """There is enough time to begin and to look for rows, but not to count them."""
    times = [counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP]
    counter.lambda_handler(count_batch(11), Context(remaining=times))


def record(recorder: ModuleType) -> None:
    names = ("event-execution-archived", "event-workspace-member-added")
    bodies = [(ROOT / "events" / f"{name}.json").read_text("utf-8") for name in names]
    records = [{"messageId": "m", "body": body} for body in bodies]
    recorder.lambda_handler({"Records": records}, Context())


def ask(function: ModuleType) -> None:
    function.lambda_handler(proxy_event(EVERYONE), Context())


def start_export(exports: ModuleType) -> None:
    request = {"httpMethod": "POST", "path": "/workspaces/usage/exports"}
    body = json.dumps({"range": "30d", "format": "csv"})
    exports.lambda_handler({**proxy_event(EVERYONE), **request, "body": body}, Context())


def authorize_caller(authorizer: ModuleType) -> None:
    authorize(authorizer)


RUNS: Final[Mapping[str, Callable[[ModuleType], None]]] = {
    "authorizer": authorize_caller,
    "usage": ask,
    "summary": ask,
    "exports": start_export,
    "recorder": record,
    "counter": count,
}
"""How a function runs."""


def spoil_row(tables: CountedTables) -> None:
    tables.spoil_row(11)


def spoil_execution(tables: CountedTables) -> None:
    """A stored item can't be read, and an event is about its row."""
    text = (ROOT / "events" / "event-execution-archived.json").read_text("utf-8")
    payload = json.loads(text, parse_float=Decimal)["detail"]["execution"]
    item: Any = {**to_stored_item(parse_row(Source.CURRENT, payload)), "credits": {"S": "spoiled"}}
    tables.clients.dynamodb.put_item(TableName=tables.name("Executions"), Item=item)


def delete_tables(*names: str) -> Callable[[CountedTables], None]:
    """Returns trouble: tables don't answer."""

    def delete(tables: CountedTables) -> None:
        for name in names:
            tables.delete(name)

    return delete


def leave_a_mark(tables: CountedTables) -> None:
    tables.put_mark(11, 1, age=timedelta(hours=1))


def change_nothing(_tables: CountedTables) -> None:
    """Nothing is wrong with the tables."""


def refuse_tokens(tables: CountedTables) -> None:
    """The platform's tokens are of another model than TokenableType."""
    put_token(tables.clients, tables.template, tokenable_type="User")


@dataclass(frozen=True)
class Case:
    """A case of a runbook.

    Attributes:
        alarm: the alarm that must fire.
        function: the function that runs.
        put: leads to the case.
        each: the minutes between two runs.
        runs: how many runs there are at each of these minutes.
        fires_after: the minutes after which the alarm fires.
        lasts: the minutes for which the case lasts.
        ends_after: the minutes after which the alarm is OK again, counted from the case's end.
        run: runs the function, if not as usual.
    """

    alarm: str
    function: str
    put: Callable[[CountedTables], None]
    each: int
    fires_after: int
    runs: int = 1
    lasts: int = 60
    ends_after: int = 25
    run: Callable[[ModuleType], None] | None = None


CASES: Final = [
    Case("UnavailableStoreAlarm", "authorizer", delete_tables("AccessTokens"), 1, 4, runs=3),
    Case("UnavailableStoreAlarm", "usage", delete_tables("Executions"), 1, 4, runs=3),
    Case("UnavailableStoreAlarm", "summary", delete_tables("Executions"), 1, 4, runs=3),
    Case("UnavailableStoreAlarm", "exports", delete_tables("Exports"), 1, 4, runs=3),
    Case("RefusedTokensAlarm", "authorizer", refuse_tokens, 1, 5, runs=10, ends_after=45),
    Case("RetriedEventsAlarm", "recorder", delete_tables("Executions"), 3, 11),
    Case("FailedEventsAlarm", "recorder", spoil_execution, 3, 1),
    Case("FailedCountsAlarm", "counter", spoil_row, 90, 1),
    Case("UnavailableCountsAlarm", "counter", delete_tables("Executions"), 5, 46, ends_after=90),
    Case("OldMarksAlarm", "counter", leave_a_mark, 15, 121, 1, 180, 300, count_without_time),
    Case("UncountedRowsAlarm", "counter", change_nothing, 15, 121, 1, 180, 300, count_without_time),
]
"""At least one for each alarm on a metric of the functions, but for that on exports, see below."""


@pytest.fixture
def tables(clients: Clients, template: Template) -> CountedTables:
    """The stack's tables, with some rows that can be counted, a token and a member."""
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, MIN_ROWS + 2))
    put_token(clients, template)
    put_membership(clients, template)
    return tables


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


def ok_everywhere(alarms: Alarms, names: Iterable[str], minutes: range) -> bool:
    """Returns whether alarms are OK in all of some minutes."""
    return all(alarms.state(name, minute) == "OK" for name in names for minute in minutes)


def alarms_on_ours(template: Template) -> set[str]:
    """Returns the alarms on metrics of the functions."""
    return {
        alarm.logical_id
        for alarm in template.of_type("AWS::CloudWatch::Alarm")
        if any(metric.namespace == "WorkspaceUsage" for metric in metrics_of(alarm.properties))
    }


def test_each_alarm_on_metrics_of_the_functions_has_a_case(template: Template) -> None:
    assert alarms_on_ours(template) == {case.alarm for case in CASES} | {"FailedExportsAlarm"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm}: {case.function}")
def test_an_alarm_fires_in_its_case_and_ends(
    case: Case,
    tables: CountedTables,
    template: Template,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not before the stated minute, and not before the case at all."""
    module = request.getfixturevalue(case.function)
    case.put(tables)
    metrics, trouble = Metrics(), range(BEGIN, BEGIN + case.lasts)
    printed = printed_by(case.run or RUNS[case.function], module, capsys)
    for _ in range(case.runs):
        metrics.put_printed(printed, trouble[:: case.each])
    alarms = alarms_on(template, metrics)
    fires = (minute for minute in trouble if alarms.state(case.alarm, minute) == "ALARM")
    assert next(fires, BEGIN) - BEGIN == case.fires_after
    assert alarms.state(case.alarm, trouble.stop + case.ends_after) == "OK"


@pytest.mark.parametrize("function", RUNS)
def test_no_alarm_fires_while_functions_work(
    function: str,
    tables: CountedTables,
    template: Template,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nor for one run that fails, unless a person has to look at it."""
    module = request.getfixturevalue(function)
    metrics, day = Metrics(), range(BEGIN - 6 * 60, BEGIN + 60)
    metrics.put_printed(printed_by(RUNS[function], module, capsys), day)
    for table in ("Executions", "AccessTokens", "Exports"):
        tables.delete(table)
    metrics.put_printed(printed_by(RUNS[function], module, capsys), [BEGIN])
    alarms = alarms_on(template, metrics)
    assert ok_everywhere(alarms, alarms_on_ours(template), day[300::3])


FAILURES_OF_AN_EXPORT: Final[Mapping[str, Callable[[CountedTables], None]]] = {
    "an error": spoil_row,
    "a table that is unavailable": delete_tables("Executions"),
}


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
