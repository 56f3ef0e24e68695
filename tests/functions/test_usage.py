"""The usage function on the real template's tables: its answers, refusals, failures and log."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.store.clients import Clients
from local.template.template import Template
from tests.support.counting import CountedTables
from tests.support.functions import Context
from tests.support.strategies import json_values
from tests.support.usage import EVERYONE, NOW, OWN, answer, proxy_event, put_row
from workspace_usage.aws.connections import ConnectionPool
from workspace_usage.errors import InvalidRequest, StoreUnavailable
from workspace_usage.listing.query import PARAMETER_NAMES
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rows.row import ARCHIVED_FLAG, Source


def log_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yields the lines of a log that are JSON objects: log entries and metrics."""
    return (json.loads(line) for line in text.splitlines() if line.startswith("{"))


def test_an_answer_has_the_contract_s_fields_and_continues_after_its_cursor(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    for number in (1, 2, 3):
        put_row(clients, template, Source.CURRENT, number)
    status, body = answer(usage, proxy_event(EVERYONE, {"per_page": "2"}))
    assert status == 200
    assert list(body) == ["items", "has_more", "page", "per_page", "next_cursor"]
    assert [item["id"] for item in body["items"]] == [1, 2]
    assert body["items"][0]["credits"] == Decimal("0.006145")
    assert (body["has_more"], body["page"], body["per_page"]) == (True, 1, 2)
    status, rest = answer(usage, proxy_event(EVERYONE, {"cursor": body["next_cursor"]}))
    assert [item["id"] for item in rest["items"]] == [3]
    assert (rest["has_more"], rest["page"], rest["next_cursor"]) == (False, None, None)


def test_credits_keep_every_digit(usage: ModuleType, clients: Clients, template: Template) -> None:
    numbers = ("0.006145", "12345678901234567890.123456789", "0.0000000001")
    for number, digits in enumerate(numbers, start=1):
        put_row(clients, template, Source.CURRENT, number, credits=Decimal(digits))
    response = usage.lambda_handler(proxy_event(EVERYONE), Context())
    assert all(f'"credits":{digits},' in response["body"] for digits in numbers)
    body = usage.lambda_handler({"workspace_id": 11}, Context())
    assert [item["credits"] for item in body["items"]] == [*map(Decimal, numbers)]


def test_no_answer_contains_the_key_of_archived_media(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    """The key is stored only so that the media can be erased, also in the current row."""
    image = {"title": "Painter", "slug": "painter", "type": "image"}
    put_row(clients, template, Source.ARCHIVED, 1, agent=image, output="kept/key.png")
    archived_table = template.resources["ArchivedExecutionsTable"].name
    [item] = clients.dynamodb.scan(TableName=archived_table)["Items"]
    assert item["output"] == {"S": "kept/key.png"}
    clients.dynamodb.put_item(
        TableName=template.resources["ExecutionsTable"].name,
        Item={**item, ARCHIVED_FLAG: {"BOOL": True}},
    )
    for parameters in ({}, {"type": "image"}, {"user_id": "2"}):
        status, body = answer(usage, proxy_event(EVERYONE, parameters))
        [listed] = body["items"]
        assert (status, listed["output"], listed["link"]) == (200, "This item was deleted.", None)
        assert "key.png" not in str(body)


def test_a_member_without_the_permission_sees_their_own_runs_only(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    put_row(clients, template, Source.CURRENT, 1, user_id=1)
    put_row(clients, template, Source.ARCHIVED, 2)
    put_row(clients, template, Source.EDITED, 3, user_id=1)
    for parameters in (None, {"user_id": "2"}, {"type": "chat"}, {"user_id": ""}):
        status, body = answer(usage, proxy_event(OWN, parameters))
        assert status == 200
        assert [item["id"] for item in body["items"]] == [2]
    status, body = answer(usage, proxy_event(OWN, {"user_id": "1"}, language="pt-BR"))
    assert status == 403
    assert body == {"message": "Você não pode ver a atividade de outros usuários neste workspace."}


def test_an_invalid_workspace_id_is_422(usage: ModuleType) -> None:
    for workspace in (None, "", "0", "011", "+11", "1.5", "abc", "11 ", str(2**63)):
        event = proxy_event({"user_id": "1"}, workspace=workspace, language="es")
        status, body = answer(usage, event)
        assert status == 422, workspace
        text = "El id del espacio de trabajo debe ser un número entero positivo."
        assert body == {"message": text, "errors": {"x-workspace-id": [text]}}


def test_a_context_that_does_not_grant_access_is_denied(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    put_row(clients, template, Source.CURRENT, 1)
    for context in (
        {},
        {"user_id": "1"},
        {**EVERYONE, "workspace_id": "12"},
        {**EVERYONE, "sees": "nothing"},
    ):
        status, body = answer(usage, proxy_event(context))
        assert (status, list(body)) == (403, ["message"]), context


def test_an_answer_names_every_broken_rule(usage: ModuleType) -> None:
    event = proxy_event(EVERYONE, {"range": "5d", "page": "0", "per_page": "101"}, language="fr")
    status, body = answer(usage, event)
    assert status == 422
    assert body["message"] == "The range field must be one of: 1d, 7d, 30d. (and 2 more errors)"
    assert body["errors"] == {
        "range": ["The range field must be one of: 1d, 7d, 30d."],
        "page": ["The page field must be at least 1."],
        "per_page": ["The per_page field must not be greater than 100."],
    }


def test_broken_rules_are_reported_before_a_forbidden_user(usage: ModuleType) -> None:
    status, body = answer(usage, proxy_event(OWN, {"user_id": "1", "page": "x"}))
    assert (status, list(body["errors"])) == (422, ["page"])


def test_a_direct_invocation_sees_the_whole_workspace(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    put_row(clients, template, Source.CURRENT, 1, user_id=1)
    put_row(clients, template, Source.CURRENT, 2, user_id=2)
    body = usage.lambda_handler({"workspace_id": 11}, Context())
    assert [item["id"] for item in body["items"]] == [1, 2]
    assert orjson.loads(orjson.dumps(body, default=float))["per_page"] == 20
    event = {"workspace_id": "\xa011\n", "user_id": "2 ", "per_page": 1}
    # With a workspace_id it is a direct invocation, even if it looks like API Gateway's event.
    event |= {"httpMethod": "GET", "requestContext": {}}
    body = usage.lambda_handler(event, Context())
    assert [item["id"] for item in body["items"]] == [2]


def test_an_invalid_direct_invocation_raises_an_error_with_the_422_body(usage: ModuleType) -> None:
    events: list[tuple[object, list[str]]] = [
        ({}, ["workspace_id"]),
        ({"workspace_id": True}, ["workspace_id"]),
        ({"workspace_id": 11.0}, ["workspace_id"]),
        ({"workspace_id": [11]}, ["workspace_id"]),
        ({"workspace_id": " "}, ["workspace_id"]),
        ({"workspace_id": 0}, ["workspace_id"]),
        ({"workspace_id": 2**63}, ["workspace_id"]),
        ([], ["workspace_id"]),
        (None, ["workspace_id"]),
        ("11", ["workspace_id"]),
        (11, ["workspace_id"]),
        ({"workspace_id": 11, "page": 0, "type": "Chat"}, ["type", "page"]),
        ({"workspace_id": 11, "requestContext": "x", "range": {}}, ["range"]),
    ]
    for event, fields in events:
        with pytest.raises(InvalidRequest) as refused:
            usage.lambda_handler(event, Context())
        body = json.loads(str(refused.value))
        assert body["message"]
        assert list(body["errors"]) == fields, event


ODD_VALUES: list[object] = [
    float("inf"),
    float("nan"),
    -0.0,
    1.5,
    10**4_000,
    -(10**5_000),
    True,
    [[[[]]]],
    {"": [{"x": None}]},
    "\ud800",
    "x" * 100_000,
    [0] * 10_000,
]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["workspace_id", *PARAMETER_NAMES]),
    value=st.sampled_from(ODD_VALUES) | json_values(),
)
def test_a_direct_invocation_with_any_value_is_answered_or_refused_with_a_reason(
    usage: ModuleType, name: str, value: object
) -> None:
    """The reason is JSON of the documented form, and is short even if the value is long."""
    event = {"workspace_id": 11, "per_page": 0, name: value}
    try:
        body = usage.lambda_handler(event, Context())
    except InvalidRequest as error:
        text = str(error)
    else:
        assert (name, body["items"]) == ("per_page", [])
        return
    assert len(text.encode()) < 2_000
    reason = json.loads(text)
    assert reason["message"]
    assert reason["errors"].keys() <= {"workspace_id", *PARAMETER_NAMES}


def test_an_unavailable_store_is_raised_as_an_error(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    """API Gateway would cache a response, even a 503."""
    clients.dynamodb.delete_table(TableName=template.resources["EditedChatsTable"].name)
    with pytest.raises(StoreUnavailable):
        usage.lambda_handler(proxy_event(EVERYONE), Context())
    status, _ = answer(usage, proxy_event(EVERYONE, {"type": "image"}))
    assert status == 200


def test_a_metric_counts_calls_that_are_made_again(
    capsys: pytest.CaptureFixture[str], usage: ModuleType, clients: Clients, template: Template
) -> None:
    """If every call is made again, answers take long, and somebody should notice."""
    answer(usage, proxy_event(EVERYONE))
    clients.dynamodb.delete_table(TableName=template.resources["EditedChatsTable"].name)
    with pytest.raises(StoreUnavailable):
        usage.lambda_handler(proxy_event(EVERYONE), Context())
    metrics = [line for line in log_lines(capsys.readouterr().out) if "_aws" in line]
    assert [line.get("CallsRepeated") for line in metrics if "ColdStart" not in line] == [
        None,
        [1.0],
    ]


def test_a_metric_counts_the_calls_of_an_answer(
    capsys: pytest.CaptureFixture[str],
    usage: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that read rows, and those that look up what is counted."""
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, MIN_ROWS + 2))
    tables.count(11, age=timedelta(hours=1))
    calls: list[str] = []
    post = ConnectionPool.post

    def noting(pool: ConnectionPool, headers: Any, body: bytes) -> Any:
        calls.append(json.loads(body).get("TableName", "setting"))
        return post(pool, headers, body)

    monkeypatch.setattr(ConnectionPool, "post", noting)
    for page, is_looked_up in (("1", False), (f"{MIN_ROWS + 1}", True)):
        calls.clear()
        answer(usage, proxy_event(EVERYONE, {"page": page, "per_page": "1"}))
        of_tables = [table for table in calls if table != "setting"]
        assert (tables.name("Rollups") in of_tables) == is_looked_up
        [answered] = [
            line for line in log_lines(capsys.readouterr().out) if line.get("message") == "answered"
        ]
        assert answered["CallsMade"] == len(of_tables)
        assert answered["PageDepth"] == int(page)


def test_a_missing_setting_is_an_error(
    capsys: pytest.CaptureFixture[str], usage: ModuleType, clients: Clients, template: Template
) -> None:
    """It is asked for once more, as everything is."""
    clients.ssm.delete_parameter(Name=template.resources["MinDateParameter"].name)
    with pytest.raises(StoreUnavailable):
        usage.lambda_handler(proxy_event(EVERYONE), Context())
    lines = log_lines(capsys.readouterr().out)
    assert [line["CallsRepeated"] for line in lines if "CallsRepeated" in line] == [[1]]


def test_the_setting_hides_older_rows(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    put_row(clients, template, Source.CURRENT, 1)
    put_row(clients, template, Source.CURRENT, 60 * 24 * 5)
    clients.ssm.put_parameter(
        Name=template.resources["MinDateParameter"].name,
        Value=json.dumps({"enabled": True, "date": f"{NOW - timedelta(days=2):%Y-%m-%d}"}),
        Overwrite=True,
    )
    _, body = answer(usage, proxy_event(EVERYONE))
    assert [item["id"] for item in body["items"]] == [1]


def test_reading_stops_before_lambda_ends_the_function(
    usage: ModuleType, clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspace_usage.rows.store.MAX_ROWS_PER_QUERY", 2)
    for number in range(1, 6):
        put_row(clients, template, Source.CURRENT, number)
    event = proxy_event(EVERYONE, {"page": "5", "per_page": "1"})
    with pytest.raises(StoreUnavailable):
        usage.lambda_handler(event, Context(remaining=[3_000]))


def test_the_log_has_figures_and_the_request_s_id_but_no_personal_data(
    capsys: pytest.CaptureFixture[str],
    usage: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    image = {"title": "Painter", "slug": "painter", "type": "image"}
    put_row(clients, template, Source.CURRENT, 1, agent=image, output="secret/picture.png")
    put_row(clients, template, Source.ARCHIVED, 2)
    answer(usage, proxy_event(EVERYONE, {"page": "1"}))
    answer(usage, proxy_event(EVERYONE, {"page": "x"}))
    printed = capsys.readouterr().out
    for personal in ("secret", "Bearer", "bo@example.com", "X-Amz", "picture"):
        assert personal not in printed
    logged = [line for line in log_lines(printed) if "message" in line]
    assert {line["correlation_id"] for line in logged} == {"the-request"}
    assert {line["workspace_id"] for line in logged} == {11}
    [refused] = [line for line in logged if line["message"] == "refused"]
    assert "page" in refused["reason"]
    answered = next(line for line in logged if line["message"] == "answered")
    assert (answered["RowsRead"], answered["RowsReturned"], answered["PageDepth"]) == (2, 2, 1)
    assert answered["CurrentRowsRead"] == answered["ArchivedRowsRead"] == 1
    metrics = [line for line in log_lines(printed) if "_aws" in line]
    assert (
        metrics[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "WorkspaceUsage/workspace-usage"
    )
    assert any(line.get("RowsRead") == [2.0] for line in metrics)
    assert any(line.get("Refused") == [1.0] for line in metrics)


def test_an_event_that_only_resembles_a_proxy_event_is_a_direct_invocation(
    usage: ModuleType,
) -> None:
    """It is refused, because it has no workspace_id."""
    unlike: list[dict[str, object]] = [
        {"requestContext": "no object"},
        {"requestContext": {"authorizer": 5}},
        {"headers": [1]},
        {"headers": {"x-workspace-id": 5}},
        {"queryStringParameters": "page"},
    ]
    for parts in unlike:
        event = {"httpMethod": "GET", "requestContext": {}, **parts}
        with pytest.raises(InvalidRequest, match="workspace_id"):
            usage.lambda_handler(event, Context())
