"""The recorder on the real template's tables and queues: each message of a batch by itself."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from local.store import Clients
from local.template import Template
from tests.support.functions import ROOT, Context

RECORDED = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
ARCHIVED = json.loads((ROOT / "events" / "event-execution-archived.json").read_text("utf-8"))
MEMBER = json.loads((ROOT / "events" / "event-workspace-member-added.json").read_text("utf-8"))


def batch(*events: object) -> dict[str, Any]:
    """A batch of messages ``m0``, ``m1`` … with these events; text is a body as it stands."""
    return {
        "Records": [
            {"messageId": f"m{number}", "body": e if isinstance(e, str) else json.dumps(e)}
            for number, e in enumerate(events)
        ]
    }


def changed(event: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The event with other fields in its execution."""
    detail = event["detail"]
    return {**event, "detail": {**detail, "execution": {**detail["execution"], **fields}}}


def failed(answer: Mapping[str, Any]) -> list[str]:
    """The messages that must come again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def items(clients: Clients, template: Template, table: str) -> list[dict[str, Any]]:
    """Everything in a table."""
    name = template.resources[f"{table}Table"].name
    return [dict(item) for item in clients.dynamodb.scan(TableName=name)["Items"]]


def dead_letters(clients: Clients, template: Template) -> list[tuple[str, str]]:
    """What is in the dead-letter queue: bodies and reasons."""
    answer = clients.sqs.receive_message(
        QueueUrl=template.resources["DeadLetterQueue"].ref,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
    )
    return [
        (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
        for message in answer.get("Messages", [])
    ]


def test_a_batch_is_applied(recorder: ModuleType, clients: Clients, template: Template) -> None:
    """Each event reaches its table, in whatever order."""
    answer = recorder.lambda_handler(batch(ARCHIVED, RECORDED, MEMBER), Context())
    assert failed(answer) == []
    [archived] = items(clients, template, "ArchivedExecutions")
    assert archived["status"] == {"S": "succeeded"}
    assert "output" not in archived
    [member] = items(clients, template, "Memberships")
    assert member["user_id"] == {"N": "6"}


def test_the_same_batch_twice_changes_nothing(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """At least once is as good as once."""
    tables = ("Executions", "ArchivedExecutions", "Memberships")
    recorder.lambda_handler(batch(RECORDED, ARCHIVED, MEMBER), Context())
    once = [items(clients, template, table) for table in tables]
    recorder.lambda_handler(batch(MEMBER, ARCHIVED, RECORDED), Context())
    assert [items(clients, template, table) for table in tables] == once


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("no JSON", "the message is not JSON"),
        ("[]", "must be a JSON object"),
        ({**RECORDED, "detail-type": "Unheard"}, "detail-type: must be one of ExecutionRecorded"),
        ({**RECORDED, "detail": {}}, "detail: occurred_at"),
        (changed(RECORDED, credits="many"), "detail: execution.credits: must be a number"),
        (changed(RECORDED, id=0), "detail: execution.id"),
        (changed(RECORDED, user_email="\ud800"), "detail: execution.user_email"),
    ],
)
def test_what_can_not_be_understood_is_rejected_alone(
    recorder: ModuleType, clients: Clients, template: Template, broken: object, reason: str
) -> None:
    """It is kept with a reason that names the field, and blocks nothing behind it."""
    answer = recorder.lambda_handler(batch(broken, MEMBER), Context())
    assert failed(answer) == []
    [(body, said)] = dead_letters(clients, template)
    assert body == (broken if isinstance(broken, str) else json.dumps(broken))
    assert said.startswith(reason)
    assert items(clients, template, "Executions") == []
    assert len(items(clients, template, "Memberships")) == 1


def asked_for(clients: Clients, template: Template) -> list[object]:
    """What is in the queue of workspaces to be counted, each message as soon as it is sent."""
    queue = template.resources["CountQueue"].ref
    found: list[object] = []
    while True:
        answer = clients.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        if not messages:
            return found
        found += [json.loads(message["Body"]) for message in messages]


def test_a_few_of_many_new_rows_have_their_workspace_counted(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """One in thirty-two; a row that comes again has asked already."""
    queue = template.resources["CountQueue"].ref
    clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    events = [changed(RECORDED, id=number) for number in range(1, 201)]
    for _ in range(2):
        for begin in range(0, len(events), 50):
            recorder.lambda_handler(batch(*events[begin : begin + 50]), Context())
    workspace_id = RECORDED["detail"]["execution"]["workspace_id"]
    hints = asked_for(clients, template)
    assert 1 <= len(hints) <= 20
    assert all(hint == {"workspace_id": workspace_id} for hint in hints)


def test_a_workspace_that_can_not_be_asked_for_costs_no_row(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """Without the queue all rows are there; only pages far down take longer."""
    clients.sqs.delete_queue(QueueUrl=template.resources["CountQueue"].ref)
    events = [changed(RECORDED, id=number) for number in range(1, 101)]
    assert failed(recorder.lambda_handler(batch(*events), Context())) == []
    assert len(items(clients, template, "Executions")) == 100


def test_what_the_store_can_not_take_comes_again(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """Without its table an event stays in the queue, as do those behind it."""
    name = template.resources["ExecutionsTable"].name
    clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    clients.dynamodb.delete_table(TableName=name)
    answer = recorder.lambda_handler(batch(MEMBER, RECORDED, MEMBER), Context())
    assert failed(answer) == ["m1", "m2"]
    assert len(items(clients, template, "Memberships")) == 1
    assert dead_letters(clients, template) == []


def test_what_can_not_be_rejected_comes_again(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """Without the dead-letter queue a broken event is not lost."""
    clients.sqs.delete_queue(QueueUrl=template.resources["DeadLetterQueue"].ref)
    answer = recorder.lambda_handler(batch("no JSON", MEMBER), Context())
    assert failed(answer) == ["m0", "m1"]


def test_a_batch_that_runs_out_of_time_puts_the_rest_back(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """A message is begun only while there is time to finish it."""
    context = Context(remaining=[recorder.TIME_FOR_ONE, recorder.TIME_FOR_ONE - 1])
    answer = recorder.lambda_handler(batch(MEMBER, RECORDED), context)
    assert failed(answer) == ["m1"]
    assert len(items(clients, template, "Memberships")) == 1


def test_an_unforeseen_failure_holds_up_nobody(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """A row that nobody could have written fails its own event alone."""
    recorder.lambda_handler(batch(RECORDED), Context())
    name = template.resources["ExecutionsTable"].name
    [item] = items(clients, template, "Executions")
    clients.dynamodb.put_item(TableName=name, Item={**item, "credits": {"S": "spoiled"}})
    answer = recorder.lambda_handler(batch(ARCHIVED, MEMBER), Context())
    assert failed(answer) == ["m0"]
    assert len(items(clients, template, "Memberships")) == 1


def test_nothing_personal_reaches_the_log(
    recorder: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """No e-mail address, output or token's hash, whether an event is applied, rejected or fails."""
    secret = changed(RECORDED, user_email="secret@example.com", output="secret.png")
    spoiled = changed(secret, credits="secret")
    recorder.lambda_handler(batch(secret, spoiled, f"{json.dumps(secret)} secret"), Context())
    log = capsys.readouterr().out
    assert log.count('"message":"rejected"') == 2
    assert "secret" not in log
