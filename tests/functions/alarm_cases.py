"""The cases of the runbooks of alarms on the functions' metrics, and what must not alarm."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

from tests.support.authorizer import authorize, put_token
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import ROOT, Context
from tests.support.usage import EVERYONE, proxy_event
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.row import Source, to_stored_item


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


def reject_revocation(recorder: ModuleType) -> None:
    """A number of it is out of range, so that it can't even be parsed."""
    _reject(recorder, '{"detail-type": "AccessTokenRevoked", "detail": {"token_id": 1e400000}}')


def reject_row(recorder: ModuleType) -> None:
    """It can't be understood, and quotes an event about a token."""
    quoted = json.dumps({"detail-type": "AccessTokenRevoked"})
    _reject(recorder, json.dumps({"detail-type": "ChatEdited", "detail": quoted}))


def _reject(recorder: ModuleType, body: str) -> None:
    recorder.lambda_handler({"Records": [{"messageId": "m", "body": body}]}, Context())


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


def remove_member(tables: CountedTables) -> None:
    """Events about members don't arrive, so that no caller is one."""
    key = {"workspace_id": {"N": "11"}, "user_id": {"N": "42"}}
    tables.clients.dynamodb.delete_item(TableName=tables.name("Memberships"), Key=key)


@dataclass(frozen=True)
class Case:
    """A case of a runbook, or something that passes by itself.

    Attributes:
        alarm: the alarm.
        function: the function that runs.
        put: leads to the case.
        each: the minutes between two runs.
        fires_after: the minutes after which the alarm fires, or None if it must not fire.
        ends_after: the minutes after the case's end after which the alarm is OK again.
        runs: how many runs there are at each of these minutes.
        lasts: the minutes for which the case lasts.
        run: runs the function, if not as usual.
        values: values that metrics have instead of those that the run has printed.
    """

    alarm: str
    function: str
    put: Callable[[CountedTables], None]
    each: int
    fires_after: int | None
    ends_after: int = 0
    runs: int = 1
    lasts: int = 60
    run: Callable[[ModuleType], None] | None = None
    values: Mapping[str, float] = field(default_factory=dict)


_ONE_MARK: Final = Case("OldMarksAlarm", "counter", leave_a_mark, 15, 121, 166, lasts=180)
_UNCOUNTED: Final = Case(
    "UncountedRowsAlarm", "counter", change_nothing, 15, 121, 166, 1, 180, count_without_time
)
_REFUSED: Final = Case("RefusedTokensAlarm", "authorizer", refuse_tokens, 1, 2, 14, runs=10)
_NOBODY: Final = replace(_REFUSED, alarm="NobodyComesInAlarm")
_RETRIED: Final = Case("RetriedEventsAlarm", "recorder", delete_tables("Executions"), 3, 11, 13)
_FAILED: Final = Case("FailedCountsAlarm", "counter", spoil_row, 90, 1, 14, lasts=2)
_UNCOUNTABLE: Final = Case(
    "UnavailableCountsAlarm", "counter", delete_tables("Executions"), 5, 46, 41
)

CASES: Final = [
    *(
        Case("UnavailableStoreAlarm", function, delete_tables(table), 1, 4, 2, runs=3)
        for function, table in {
            "authorizer": "AccessTokens",
            "usage": "Executions",
            "summary": "Executions",
            "exports": "Exports",
        }.items()
    ),
    Case("UnavailableStoreAlarm", "usage", delete_tables("Executions"), 5, None, runs=9),
    _REFUSED,
    replace(_REFUSED, put=remove_member),
    replace(_REFUSED, fires_after=None, each=15, runs=19),
    replace(_REFUSED, fires_after=None, values={"Unauthorized": 9, "Allowed": 1}),
    replace(_REFUSED, fires_after=1, ends_after=45, values={"Unauthorized": 10, "Allowed": 1}),
    _NOBODY,
    replace(_NOBODY, put=remove_member),
    replace(_NOBODY, fires_after=None, each=15, runs=19),
    replace(_NOBODY, fires_after=None, values={"Unauthorized": 1_000, "Allowed": 1}),
    _RETRIED,
    replace(_RETRIED, values={"EventsPutBack": 3, "EventsReceived": 10}),
    replace(_RETRIED, fires_after=None, values={"EventsPutBack": 1, "EventsReceived": 5}),
    replace(_RETRIED, fires_after=None, lasts=5),
    Case("FailedEventsAlarm", "recorder", spoil_execution, 3, 1, 13),
    *(
        Case(
            "RejectedAccessEventsAlarm", "recorder", change_nothing, 60, fires_after, 14, 1, 2, run
        )
        for run, fires_after in ((reject_revocation, 1), (reject_row, None))
    ),
    _FAILED,
    _UNCOUNTABLE,
    replace(_UNCOUNTABLE, fires_after=None, lasts=30),
    _ONE_MARK,
    replace(_ONE_MARK, fires_after=None, values={"OldestMarkAge": 1_800}),
    replace(_ONE_MARK, fires_after=121, values={"OldestMarkAge": 1_801}),
    replace(_ONE_MARK, fires_after=None, lasts=60),
    _UNCOUNTED,
    replace(_UNCOUNTED, fires_after=None, values={"WatermarkLag": 3_600}),
    replace(_UNCOUNTED, fires_after=121, values={"WatermarkLag": 3_601}),
    replace(_UNCOUNTED, fires_after=None, lasts=60),
]
"""At least one for each alarm on a metric of the functions, but for that on exports, see below."""

FAILURES_OF_AN_EXPORT: Final[Mapping[str, Callable[[CountedTables], None]]] = {
    "an error": spoil_row,
    "a table that is unavailable": delete_tables("Executions"),
}
