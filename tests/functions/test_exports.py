"""The functions of exports: who may start and see one, and what happens to its messages."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from tests.support.usage import EVERYONE, OWN, proxy_event, put_row
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Source

OTHERS: Final = {
    "another user": {**EVERYONE, "user_id": "3"},
    "another workspace": {**EVERYONE, "workspace_id": "12"},
}


def request(
    context: Mapping[str, str], body: object = None, export_id: str | None = None
) -> dict[str, Any]:
    """Returns what API Gateway sends: a POST with a body, or a GET of an export."""
    event = proxy_event(context, workspace=context["workspace_id"])
    path = "/workspaces/usage/exports"
    if export_id is not None:
        return {**event, "path": f"{path}/{export_id}", "pathParameters": {"id": export_id}}
    return {**event, "httpMethod": "POST", "path": path, "body": json.dumps(body)}


def send(function: ModuleType, event: Mapping[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """Returns the status, the body and the headers of the exports function's response."""
    response = function.lambda_handler(event, Context())
    headers = dict(response["headers"])
    assert headers.pop("Content-Type") == "application/json"
    assert headers.pop("Cache-Control") == "no-store"
    return response["statusCode"], json.loads(response["body"], parse_float=Decimal), headers


def start(function: ModuleType, context: Mapping[str, str] = EVERYONE, **fields: Any) -> Any:
    """Starts an export of CSV, and returns the body of the answer."""
    status, body, headers = send(function, request(context, {"format": "csv", **fields}))
    assert status == 202
    assert headers == {"Location": f"exports/{body['id']}"}
    return body


def receive(clients: Clients, template: Template) -> list[dict[str, Any]]:
    """Takes the messages from the exporter's queue, as Lambda passes them on."""
    url = template.outputs["ExportsQueueUrl"]
    received = clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    messages = received.get("Messages", [])
    for message in messages:
        clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [to_record(message["Body"]) for message in messages]


def to_record(body: str, received: int = 1) -> dict[str, Any]:
    """Returns a message as Lambda passes it on."""
    attributes = {"ApproximateReceiveCount": str(received)}
    return {"messageId": "the-message", "body": body, "attributes": attributes}


def run(exporter: ModuleType, records: list[dict[str, Any]], remaining: int = 300_000) -> list[Any]:
    """Runs the exporter; returns what it leaves for SQS to deliver again."""
    context = Context(remaining=[remaining])
    failures: list[Any] = exporter.lambda_handler({"Records": records}, context)[
        "batchItemFailures"
    ]
    return failures


def test_a_member_exports_their_own_runs_and_someone_who_sees_everyone_exports_all(
    exports: ModuleType, exporter: ModuleType, clients: Clients, template: Template
) -> None:
    """The link leads to the file until the export expires, and to no other object."""
    put_row(clients, template, Source.CURRENT, 1)
    put_row(clients, template, Source.ARCHIVED, 2, user_id=3)
    for context, rows in ((OWN, ["1"]), (EVERYONE, ["1", "2"])):
        body = start(exports, context)
        assert (body["status"], body["rows"], body["link"]) == ("running", None, None)
        assert run(exporter, receive(clients, template)) == []
        status, done, _ = send(exports, request(context, export_id=body["id"]))
        assert (status, done["status"], done["rows"]) == (200, "done", len(rows))
        assert {name: done[name] for name in ("id", "format", "created_at", "expires_at")} == {
            name: body[name] for name in ("id", "format", "created_at", "expires_at")
        }
        file = httpx.get(done["link"]).raise_for_status()
        table = gzip.decompress(file.content).decode("utf-8-sig").split("\r\n")
        assert [line.split(",")[0] for line in table[1:-1]] == rows
        assert file.headers["Content-Type"] == "application/gzip"
        assert file.headers["Content-Disposition"].startswith('attachment; filename="usage-11-')


def test_an_export_lives_for_24_hours_and_its_link_no_longer(
    exports: ModuleType,
    exporter: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shortly before, the link works for the minutes that are left."""
    body = start(exports)
    run(exporter, receive(clients, template))
    created = datetime.fromisoformat(body["created_at"])
    assert datetime.fromisoformat(body["expires_at"]) == created + timedelta(hours=24)

    class Clock(datetime):
        """A clock at which the export has ten minutes left, or none."""

        at = created + timedelta(hours=23, minutes=50)

        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            """Returns the time of the test."""
            return cls.at.astimezone(tz)

    monkeypatch.setattr(exports, "datetime", Clock)
    event = request(EVERYONE, export_id=body["id"])
    assert "X-Amz-Expires=600&" in send(exports, event)[1]["link"]
    Clock.at = created + timedelta(hours=24)
    assert send(exports, event)[0] == 404


def test_an_export_is_known_to_its_own_caller_in_its_workspace_only(exports: ModuleType) -> None:
    body = start(exports)
    for other, context in OTHERS.items():
        status, answer, _ = send(exports, request(context, export_id=body["id"]))
        assert (status, answer.keys()) == (404, {"message"}), other


def test_who_may_no_longer_see_everyone_loses_the_export_of_everyone(exports: ModuleType) -> None:
    """The permission may have been removed since. Their own runs they may still see."""
    everything, own = start(exports), start(exports, user_id=int(EVERYONE["user_id"]))
    demoted = {**EVERYONE, "sees": "own"}
    assert send(exports, request(demoted, export_id=everything["id"]))[0] == 403
    assert send(exports, request(demoted, export_id=own["id"]))[0] == 200


def test_what_a_caller_may_not_see_they_may_not_export(
    exports: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says in which workspace somebody was refused."""
    assert send(exports, request(OWN, {"format": "csv", "user_id": 3}))[0] == 403
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [refused] = [line for line in lines if line.get("message") == "refused"]
    assert (refused["workspace_id"], refused["correlation_id"]) == (11, "the-request")
    assert refused["reason"] == "forbidden_user"


def test_a_request_that_breaks_rules_is_told_all_of_them(exports: ModuleType) -> None:
    bodies: list[tuple[object, set[str]]] = [
        ({}, {"format"}),
        ({"format": "CSV"}, {"format"}),
        (
            {"format": None, "type": "Chat", "start_date": "2026-01-01"},
            {"format", "type", "end_date"},
        ),
        ({"format": "csv", "user_id": 1.5}, {"user_id"}),
        ([], {"body"}),
        (None, {"body"}),
        ("csv", {"body"}),
    ]
    for body, fields in bodies:
        status, answer, _ = send(exports, request(EVERYONE, body))
        assert status == 422
        assert answer["errors"].keys() == fields, body


def test_a_body_that_is_no_json_is_an_error_of_the_caller(exports: ModuleType) -> None:
    """Only a byte order mark is ignored."""
    for text in ("", None, "{", '{"format": 1e999999999}', '"' * 9):
        assert send(exports, {**request(EVERYONE), "body": text})[0] == 422, text
    event = {**request(EVERYONE), "body": '\ufeff{"format": "csv"}'}
    assert send(exports, event)[0] == 202


def test_a_caller_may_have_two_exports_running(
    exports: ModuleType, exporter: ModuleType, clients: Clients, template: Template
) -> None:
    """In all workspaces together. When one is done, another may be started.

    Other callers have their own two.
    """
    start(exports), start(exports, {**EVERYONE, "workspace_id": "12"})
    status, body, headers = send(exports, request(EVERYONE, {"format": "csv"}))
    assert (status, body.keys()) == (429, {"message"})
    assert int(headers["Retry-After"]) > 0
    start(exports, OWN)
    assert run(exporter, receive(clients, template)) == []
    start(exports)


def test_an_export_that_can_t_be_queued_is_not_started(
    exports: ModuleType, clients: Clients, template: Template
) -> None:
    """The caller gets 503 each time, and not 429 in the end."""
    clients.sqs.delete_queue(QueueUrl=template.outputs["ExportsQueueUrl"])
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            exports.lambda_handler(request(EVERYONE, {"format": "csv"}), Context())


def test_without_the_setting_no_export_is_started(
    exports: ModuleType, clients: Clients, template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked for once more, as everything is."""
    clients.ssm.delete_parameter(Name=template.resources["MinDateParameter"].name)
    with pytest.raises(StoreUnavailable):
        exports.lambda_handler(request(EVERYONE, {"format": "csv"}), Context())
    lines = [*map(json.loads, capsys.readouterr().out.splitlines())]
    assert [line["CallsRepeated"] for line in lines if "CallsRepeated" in line] == [[1]]
    assert receive(clients, template) == []


def test_location_is_right_with_a_slash_at_the_end_of_the_path(exports: ModuleType) -> None:
    """API Gateway ignores the slash; whoever resolves the relative URL does not."""
    event = request(EVERYONE, {"format": "csv"})
    _, body, headers = send(exports, {**event, "path": f"{event['path']}/"})
    assert headers["Location"] == body["id"]


def test_exports_are_not_for_direct_invocations(exports: ModuleType) -> None:
    with pytest.raises(ValueError, match="over the API only"):
        exports.lambda_handler({"workspace_id": 11, "format": "csv"}, Context())


def test_a_run_without_time_asks_for_another_one(
    exports: ModuleType, exporter: ModuleType, clients: Clients, template: Template
) -> None:
    body = start(exports)
    [record] = receive(clients, template)
    assert run(exporter, [record], remaining=exporter.TIME_FOR_A_PART + 0) == [
        {"itemIdentifier": "the-message"}
    ], "not even begun"
    context = Context(remaining=[exporter.TIME_FOR_A_PART + 1, exporter.TIME_FOR_A_PART])
    assert exporter.lambda_handler({"Records": [record]}, context) == {"batchItemFailures": []}
    [next_record] = receive(clients, template)
    assert run(exporter, [next_record]) == []
    assert send(exports, request(EVERYONE, export_id=body["id"]))[1]["status"] == "done"
    assert receive(clients, template) == [], "a run that is done asks for no other"


def test_a_run_that_is_overtaken_leaves_its_message_until_the_export_is_done(
    exports: ModuleType,
    exporter: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other run may be killed. However often that happens, the export has not failed."""
    body = start(exports)
    [record] = receive(clients, template)

    def overtake(*_: object) -> None:
        raise exporter.Overtaken

    with monkeypatch.context() as patch:
        patch.setattr(type(exporter.exporter()), "write", overtake)
        for attempt in (1, 5):
            left = run(exporter, [to_record(record["body"], attempt)])
            assert left == [{"itemIdentifier": "the-message"}]
    event = request(EVERYONE, export_id=body["id"])
    assert send(exports, event)[1]["status"] == "running"
    for _ in range(2):
        assert run(exporter, [record]) == []
    assert send(exports, event)[1]["status"] == "done"


def test_an_export_fails_with_the_last_attempt_and_not_before(
    exports: ModuleType,
    exporter: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its caller is told so, and may start another one."""
    body = start(exports)
    [record] = receive(clients, template)
    clients.dynamodb.delete_table(TableName=template.resources["EditedChatsTable"].name)
    queue = template.resources["ExportsQueue"].properties
    attempts = int(queue["RedrivePolicy"]["maxReceiveCount"])
    for attempt, expected in ((1, "running"), (attempts - 1, "running"), (attempts, "failed")):
        capsys.readouterr()
        left = run(exporter, [to_record(record["body"], attempt)])
        assert left == [{"itemIdentifier": "the-message"}]
        lines = [*map(json.loads, capsys.readouterr().out.splitlines())]
        assert [line["CallsRepeated"] for line in lines if "CallsRepeated" in line] == [[1]]
        assert any("ExportsFailed" in line for line in lines) == (expected == "failed")
        event = request({**EVERYONE}, export_id=body["id"])
        event["headers"]["Accept-Language"] = "pt-BR"
        answer = send(exports, event)[1]
        assert answer["status"] == expected
        assert ("message" in answer) == (expected == "failed")
    assert answer["message"].startswith("Não foi possível")
    assert (answer["rows"], answer["link"]) == (None, None)


def test_a_message_that_is_none_of_ours_or_of_an_export_that_is_gone_is_dropped(
    exporter: ModuleType,
) -> None:
    gone = json.dumps({"workspace_id": 11, "user_id": 1, "export_id": "gone"})
    assert run(exporter, [to_record("?"), to_record("{}"), to_record(gone)]) == []


def test_the_log_has_figures_but_no_personal_data(
    exports: ModuleType,
    exporter: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_row(clients, template, Source.CURRENT, 1)
    body = start(exports)
    run(exporter, receive(clients, template))
    link = send(exports, request(EVERYONE, export_id=body["id"]))[1]["link"]
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    [done] = [line for line in lines if line.get("message") == "done"]
    assert (done["RowsExported"], done["exported_workspace_id"]) == (1, 11)
    assert 0 <= done["ExportAge"] < 60
    [metrics] = [line for line in lines if "ExportsReceived" in line]
    assert (metrics["ExportsReceived"], metrics["ExportsDone"]) == ([1], [1])
    assert (metrics["RowsRead"], metrics["RowsExported"]) == ([1], [1])
    for metric in ("ExportsStarted", "ExportsLookedUp"):
        assert [line[metric] for line in lines if metric in line] == [[1]]
    signature = link.partition("X-Amz-Signature=")[2]
    for secret in ("bo@example.com", "Bearer", body["id"], signature):
        assert secret not in printed
    assert datetime.now(UTC) >= datetime.fromisoformat(body["created_at"])
