"""The recorder function on the template's tables and queues: each message of a batch by itself."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, cast

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import ROOT, Context
from tests.support.memory_dynamodb import NAMES, MemoryDynamoDB, TransactionCanceled
from workspace_api.dead_letters import MAX_MESSAGE_BYTES
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.changes import TokenChange
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.recorder import NEW_ROWS_PER_COUNT_REQUEST, Recorder
from workspace_usage.values import InvalidValue, format_timestamp

RECORDED = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
ARCHIVED = json.loads((ROOT / "events" / "event-execution-archived.json").read_text("utf-8"))
LATE = "2026-01-05T19:35:21.000000Z"
"""A moment that is long ago."""
MEMBER = json.loads((ROOT / "events" / "event-workspace-member-added.json").read_text("utf-8"))


def batch(*events: object) -> dict[str, Any]:
    """A batch of messages ``m0``, ``m1`` … with these events; a text is a message's body."""
    return {
        "Records": [
            {"messageId": f"m{number}", "body": e if isinstance(e, str) else json.dumps(e)}
            for number, e in enumerate(events)
        ]
    }


def changed(event: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The event with other values in some fields of its execution."""
    detail = event["detail"]
    return {**event, "detail": {**detail, "execution": {**detail["execution"], **fields}}}


def at_moment(event: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """The event as if it had happened at another moment."""
    return {**event, "detail": {**event["detail"], "occurred_at": moment}}


def retried(response: Mapping[str, Any]) -> list[str]:
    """The ids of the messages that go back to the queue."""
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def items(clients: Clients, template: Template, table: str) -> list[dict[str, Any]]:
    """Everything in a table."""
    name = template.resources[f"{table}Table"].name
    return [dict(item) for item in clients.dynamodb.scan(TableName=name)["Items"]]


def delete_table(clients: Clients, template: Template, table: str) -> None:
    """Deletes a table."""
    name = template.resources[f"{table}Table"].name
    clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    clients.dynamodb.delete_table(TableName=name)


def dead_letters(clients: Clients, template: Template) -> list[tuple[str, str]]:
    """The bodies and reasons in the dead-letter queue."""
    found: list[tuple[str, str]] = []
    while True:
        response = clients.sqs.receive_message(
            QueueUrl=template.resources["DeadLetterQueue"].ref,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        messages = response.get("Messages", [])
        if not messages:
            return found
        for message in messages:
            attributes = message.get("MessageAttributes", {})
            reason = attributes["reason"]["StringValue"] if "reason" in attributes else ""
            found.append((message["Body"], reason))


def test_a_batch_is_applied(recorder: ModuleType, clients: Clients, template: Template) -> None:
    """Each event reaches its table, whatever its order."""
    response = recorder.lambda_handler(batch(ARCHIVED, RECORDED, MEMBER), Context())
    assert retried(response) == []
    [archived] = items(clients, template, "ArchivedExecutions")
    assert archived["status"] == {"S": "succeeded"}
    assert archived["output"] == {"S": "demo/sunset.png"}
    [member] = items(clients, template, "Memberships")
    assert member["user_id"] == {"N": "6"}


def test_the_same_batch_twice_changes_nothing(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """SQS delivers a message at least once."""
    tables = ("Executions", "ArchivedExecutions", "Memberships")
    recorder.lambda_handler(batch(RECORDED, ARCHIVED, MEMBER), Context())
    once = [items(clients, template, table) for table in tables]
    recorder.lambda_handler(batch(MEMBER, ARCHIVED, RECORDED), Context())
    assert [items(clients, template, table) for table in tables] == once


INVALID: list[tuple[object, str]] = [
    ("no JSON", "the message is not JSON"),
    ('{"detail": 1e99999999999999999999}', "the message contains a number that is out of range"),
    ("[" * 100_000, "the message is nested too deeply"),
    (
        json.dumps(RECORDED).replace('"credits": 0', '"credits": 1e400000'),
        "detail: execution.credits: must ",
    ),
    (
        json.dumps(RECORDED).replace('"credits": 0', '"credits": NaN'),
        "the message is not JSON: NaN",
    ),
    ({**RECORDED, "detail-type": {}}, "detail-type: must be one of ExecutionRecorded"),
    (at_moment(MEMBER, "9999-12-31T23:59:59.999999Z"), "detail: occurred_at: must be at most"),
    ("[]", "must be a JSON object"),
    ({**RECORDED, "detail-type": "Unheard"}, "detail-type: must be one of ExecutionRecorded"),
    ({**RECORDED, "detail": {}}, "detail: occurred_at"),
    (changed(RECORDED, credits="many"), "detail: execution.credits: must be a number"),
    (changed(RECORDED, id=0), "detail: execution.id"),
    (changed(RECORDED, user_email="\ud800"), "detail: execution.user_email"),
]
"""Events that can never be applied, each with the beginning of its reason."""


def test_invalid_events_are_rejected_alone(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They go to the dead-letter queue with a reason, and hold up no other message.

    Each is logged and counted.
    """
    events = [event for event, _ in INVALID]
    response = recorder.lambda_handler(batch(*events, MEMBER), Context())
    assert retried(response) == []
    for (event, reason), (body, given) in zip(
        INVALID, dead_letters(clients, template), strict=True
    ):
        assert body == (event if isinstance(event, str) else json.dumps(event))
        assert given.startswith(reason)
    assert items(clients, template, "Executions") == []
    assert len(items(clients, template, "Memberships")) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rejected = [line["message_id"] for line in lines if line.get("message") == "rejected"]
    assert rejected == [f"m{number}" for number in range(len(INVALID))]
    [metrics] = [line for line in lines if "EventsReceived" in line]
    assert metrics["EventsRejected"] == [1] * len(INVALID)
    assert metrics["EventsReceived"] == [len(INVALID) + 1]
    assert metrics["EventsPutBack"] == [0]
    assert "EventsFailed" not in metrics


def test_credits_keep_every_digit(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """JSON's numbers have more digits than floating-point numbers."""
    digits = "12345678901234567890.123456789"
    body = json.dumps(RECORDED).replace('"credits": 0', f'"credits": {digits}')
    recorder.lambda_handler(batch(body), Context())
    [item] = items(clients, template, "Executions")
    assert item["credits"] == {"N": digits}


def test_a_reason_has_at_most_a_kilobyte_and_no_character_that_sqs_refuses(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SQS refuses a whole message for a control character in an attribute."""

    def refuse(*_: object) -> None:
        raise InvalidValue("\x00é\ud800" + "é" * 5_000)

    monkeypatch.setattr(recorder, "parse_event", refuse)
    assert retried(recorder.lambda_handler(batch(MEMBER), Context())) == []
    [(_, reason)] = dead_letters(clients, template)
    assert reason.startswith("?é?é")
    assert 1_020 <= len(reason.encode()) <= 1_024
    assert f'"reason":"{reason}"' in capsys.readouterr().out


def test_a_message_of_the_largest_size_can_be_rejected(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """Its body is kept whole; the reason is left out if SQS would not take both."""
    expected = "the message is not JSON (character 1)"
    most = MAX_MESSAGE_BYTES - len("reason" + "String" + expected)
    bodies = ["x" * MAX_MESSAGE_BYTES, "x" * (most + 1), "x" * most]
    assert retried(recorder.lambda_handler(batch(*bodies, MEMBER), Context())) == []
    assert dead_letters(clients, template) == [
        (bodies[0], ""),
        (bodies[1], ""),
        (bodies[2], expected),
    ]


def test_a_change_that_no_table_takes_is_rejected_alone(
    recorder: ModuleType, clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models should refuse it earlier; if they don't, it holds up no other message."""
    abilities = frozenset(f"{number:0>100}" for number in range(5_000))
    token = AccessToken(7, "App\\Models\\User", 1, "0" * 64, abilities, None, None)
    parsed = iter([TokenChange(7, token, "1"), parse_event(MEMBER, datetime.now(UTC))])
    monkeypatch.setattr(recorder, "parse_event", lambda *_: next(parsed))
    assert retried(recorder.lambda_handler(batch(RECORDED, MEMBER), Context())) == []
    [(_, reason)] = dead_letters(clients, template)
    assert reason == "the store does not take it"
    assert len(items(clients, template, "Memberships")) == 1


def test_an_overtaken_event_is_logged_and_counted(
    recorder: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the ids of its subject. An event that only comes again is not."""
    later = json.loads(
        (ROOT / "events" / "event-execution-recorded-later-status.json").read_text("utf-8")
    )
    recorder.lambda_handler(batch(later, later, RECORDED), Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [overtaken] = [line for line in lines if line.get("message") == "overtaken"]
    assert (overtaken["message_id"], overtaken["kind"]) == ("m2", "current")
    assert overtaken["id"] == RECORDED["detail"]["execution"]["id"]
    [metrics] = [line for line in lines if "EventsOvertaken" in line]
    assert metrics["EventsOvertaken"] == [1.0]


def count_requests(clients: Clients, template: Template) -> list[object]:
    """The messages in the queue of workspaces to be counted."""
    queue = template.resources["CountQueue"].ref
    found: list[object] = []
    while True:
        response = clients.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        messages = response.get("Messages", [])
        if not messages:
            return found
        found += [json.loads(message["Body"]) for message in messages]


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock(datetime):
    """The recorder's clock."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        """Returns the time."""
        return NOW.astimezone(tz)


@pytest.fixture
def sampled(recorder: ModuleType, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """New rows' events of the moment ``NOW``: those that ask for counting, and the others.

    The recorder says so itself, with tables in memory.
    """
    monkeypatch.setattr(recorder, "datetime", Clock)
    recorder_in_memory = Recorder(cast(Any, MemoryDynamoDB()), NAMES, lambda _: None)
    found: tuple[list[Any], list[Any]] = [], []
    for number in range(1, 8 * NEW_ROWS_PER_COUNT_REQUEST):
        event = changed(RECORDED, id=number, created_at=format_timestamp(NOW))
        applied = recorder_in_memory.apply(parse_event(event, NOW), NOW)
        found[applied.workspace_to_count is None].append(event)
    return found


def test_a_few_of_many_new_rows_ask_for_their_workspace_to_be_counted(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    sampled: tuple[list[Any], list[Any]],
) -> None:
    """About one in 32. A row that comes again has already asked. Nothing is marked."""
    asking, others = sampled
    assert 2 <= len(asking) <= 16
    queue = template.resources["CountQueue"].ref
    clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    for _ in range(2):
        recorder.lambda_handler(batch(*others[:3], *asking[:2]), Context())
    workspace_id = RECORDED["detail"]["execution"]["workspace_id"]
    assert count_requests(clients, template) == [{"workspace_id": workspace_id}] * 2
    assert items(clients, template, "Rollups") == []


def test_new_rows_are_written_even_if_counting_can_not_be_requested(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    sampled: tuple[list[Any], list[Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without the queue, only pages far down take longer."""
    clients.sqs.delete_queue(QueueUrl=template.resources["CountQueue"].ref)
    asking, _ = sampled
    assert retried(recorder.lambda_handler(batch(asking[0]), Context())) == []
    assert len(items(clients, template, "Executions")) == 1
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line.get("message") == "not counted"]
    assert line["reason"].startswith("SendMessage failed")


def test_late_rows_are_marked_before_they_are_written(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """One mark is enough for the rows of an hour, and one request."""
    queue = template.resources["CountQueue"].ref
    clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    events = [changed(RECORDED, id=number, created_at=LATE) for number in range(33, 36)]
    assert retried(recorder.lambda_handler(batch(*events), Context())) == []
    assert len(items(clients, template, "Executions")) == 3
    [mark] = items(clients, template, "Rollups")
    assert mark["sort_key"]["S"].endswith(f"/{LATE[:13]}")
    workspace_id = RECORDED["detail"]["execution"]["workspace_id"]
    assert count_requests(clients, template) == [{"workspace_id": workspace_id}]


@pytest.mark.parametrize("missing", ["CountQueue", "RollupsTable"])
def test_a_late_row_is_retried_if_it_can_not_be_marked(
    recorder: ModuleType, clients: Clients, template: Template, missing: str
) -> None:
    """A mark without a request could stay for ever, and a row without a mark in no count."""
    if missing == "CountQueue":
        clients.sqs.delete_queue(QueueUrl=template.resources[missing].ref)
    else:
        delete_table(clients, template, "Rollups")
    response = recorder.lambda_handler(batch(changed(RECORDED, created_at=LATE)), Context())
    assert retried(response) == ["m0"]
    assert items(clients, template, "Executions") == []


def test_an_event_is_retried_while_the_store_is_unavailable(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It goes back to the queue, and so do the messages behind it."""
    delete_table(clients, template, "Executions")
    response = recorder.lambda_handler(batch(MEMBER, RECORDED, MEMBER), Context())
    assert retried(response) == ["m1", "m2"]
    assert len(items(clients, template, "Memberships")) == 1
    assert dead_letters(clients, template) == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [put_back] = [line for line in lines if line.get("message") == "put back"]
    assert (put_back["message_id"], bool(put_back["reason"])) == ("m1", True)
    [metrics] = [line for line in lines if "EventsReceived" in line]
    assert (metrics["EventsPutBack"], "EventsFailed" in metrics) == ([2], False)


def test_an_event_that_can_not_be_rejected_is_retried(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """Without the dead-letter queue it is not lost, and holds up no other message."""
    clients.sqs.delete_queue(QueueUrl=template.resources["DeadLetterQueue"].ref)
    response = recorder.lambda_handler(batch("no JSON", MEMBER), Context())
    assert retried(response) == ["m0"]
    assert len(items(clients, template, "Memberships")) == 1


def test_a_row_that_others_keep_changing_holds_up_no_other_message(
    recorder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event is retried alone: the tables do respond."""
    client = MemoryDynamoDB()

    def conflict(table: str, _key: str) -> None:
        if table == NAMES.executions:
            raise TransactionCanceled

    client.before_write = conflict
    monkeypatch.setattr(recorder, "recorder", lambda: Recorder(cast(Any, client), NAMES, print))
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert retried(recorder.lambda_handler(batch(RECORDED, MEMBER), Context())) == ["m0"]
    assert len(client.tables[NAMES.memberships]) == 1


def test_the_rest_of_a_batch_that_runs_out_of_time_is_retried(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """A message is processed only if there is time to finish it."""
    context = Context(remaining=[recorder.TIME_TO_APPLY, recorder.TIME_TO_APPLY - 1])
    response = recorder.lambda_handler(batch(MEMBER, RECORDED), context)
    assert retried(response) == ["m1"]
    assert len(items(clients, template, "Memberships")) == 1


def test_an_unexpected_failure_holds_up_no_other_message(
    recorder: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A stored row that can't be read fails only the event of this row, which is logged."""
    recorder.lambda_handler(batch(RECORDED), Context())
    name = template.resources["ExecutionsTable"].name
    [item] = items(clients, template, "Executions")
    clients.dynamodb.put_item(TableName=name, Item={**item, "credits": {"S": "spoiled"}})
    capsys.readouterr()
    response = recorder.lambda_handler(batch(ARCHIVED, MEMBER), Context())
    assert retried(response) == ["m0"]
    assert len(items(clients, template, "Memberships")) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [failed] = [line for line in lines if line.get("message") == "failed"]
    assert (failed["level"], failed["message_id"]) == ("ERROR", "m0")
    [metrics] = [line for line in lines if "EventsReceived" in line]
    assert (metrics["EventsFailed"], metrics["EventsPutBack"]) == ([1], [1])


def test_nothing_personal_reaches_the_log(
    recorder: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """No e-mail address, output or token hash, whether an event is applied, rejected or fails."""
    secret = changed(RECORDED, user_email="secret@example.com", output="secret.png")
    spoiled = changed(secret, credits="secret")
    recorder.lambda_handler(batch(secret, spoiled, f"{json.dumps(secret)} secret"), Context())
    log = capsys.readouterr().out
    assert log.count('"message":"rejected"') == 2
    assert "secret" not in log
