"""The counter on the real template's tables and queue: each workspace of a batch once."""

import json
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from benchmarks.rows import row_of_age
from local.stack import resources_of
from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from usagectl.resources import Resources
from workspace_usage.rollups.counts import read_head
from workspace_usage.rollups.items import UNTIL_RELEASED, Head
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import format_timestamp

ROWS = 110


@pytest.fixture
def place(template: Template, clients: Clients) -> Resources:
    """The stack's tables, with old rows in the workspaces 11 and 12."""
    found = resources_of(template, clients)
    now = datetime.now(UTC)
    for number in range(1, ROWS + 1):
        made = row_of_age(Source.CURRENT, number, timedelta(minutes=300 - number), now)
        for workspace_id in (11, 12):
            item = to_stored_item(made._replace(workspace_id=workspace_id))
            clients.dynamodb.put_item(TableName=found.tables.executions, Item=item)
    return found


def batch(*bodies: object) -> dict[str, Any]:
    """A batch of messages ``m0``, ``m1`` … for workspaces; text is a body as it stands."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "body": body if isinstance(body, str) else json.dumps({"workspace_id": body}),
            }
            for number, body in enumerate(bodies)
        ]
    }


def failed(answer: Any) -> list[str]:
    """The messages that must come again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def head_of(place: Resources, workspace_id: int) -> Head | None:
    return read_head(place.dynamodb, place.tables.rollups, workspace_id)


def logged(capsys: pytest.CaptureFixture[str], metric: str) -> int:
    """The sum of a metric, of what was printed last."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [found] = [line for line in lines if metric in line]
    return int(sum(found[metric]))


def waiting(clients: Clients, template: Template) -> tuple[list[int], int]:
    """The workspaces in the queue that can be taken, and how many come later."""
    queue = template.resources["CountQueue"].ref
    later = clients.sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]["ApproximateNumberOfMessagesDelayed"]
    answer = clients.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    found = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return sorted(body["workspace_id"] for body in found), int(later)


def spend(place: Resources, table: str) -> None:
    """Deletes a table."""
    place.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    place.dynamodb.delete_table(TableName=table)


def test_the_workspaces_of_a_batch_are_counted(
    counter: ModuleType, place: Resources, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each once, however many messages name it."""
    answer = counter.lambda_handler(batch(11, 12, 11), Context(remaining=[900_000]))
    assert failed(answer) == []
    assert logged(capsys, "WorkspacesReceived") == 2
    for workspace_id in (11, 12):
        head = head_of(place, workspace_id)
        assert head is not None
        assert head.is_usable(UTC)
        assert head.generation == 1
        assert head.counted_until.endswith(str(ROWS))


@pytest.mark.parametrize(
    "broken",
    ["no JSON", "[]", "{}", "7", '{"workspace_id": "11"}', '{"workspace_id": true}', "[" * 99_999],
)
def test_what_names_no_workspace_is_dropped(
    counter: ModuleType, place: Resources, broken: str
) -> None:
    """It would never be understood, and whatever it was about will be asked for again."""
    answer = counter.lambda_handler(batch(broken, 11), Context(remaining=[900_000]))
    assert failed(answer) == []
    assert head_of(place, 11) is not None


def test_a_store_that_does_not_answer_has_all_put_back(
    counter: ModuleType,
    place: Resources,
    template: Template,
    clients: Clients,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The workspace, and those behind it, which would fare no better; they come later."""
    spend(place, place.tables.executions)
    answer = counter.lambda_handler(batch(11, 12, 11), Context(remaining=[900_000]))
    assert failed(answer) == []
    assert logged(capsys, "WorkspacesPutBack") == 2
    assert waiting(clients, template) == ([], 2)


def test_a_batch_that_runs_out_of_time_puts_the_rest_back(
    counter: ModuleType, place: Resources, template: Template, clients: Clients
) -> None:
    """A workspace is begun only while there is time; another run takes it at once."""
    enough = counter.TIME_TO_STOP + 1
    # Asked before each workspace, and after each thousand rows.
    context = Context(remaining=[enough, enough, counter.TIME_TO_STOP])
    assert failed(counter.lambda_handler(batch(11, 12), context)) == []
    assert head_of(place, 11) is not None
    assert head_of(place, 12) is None
    assert waiting(clients, template) == ([12], 0)


def test_a_workspace_too_large_for_one_run_goes_on_in_another(
    counter: ModuleType, place: Resources, template: Template, clients: Clients
) -> None:
    """What is counted can be used; a message that waits for nothing asks for the rest."""
    context = Context(remaining=[counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP])
    assert failed(counter.lambda_handler(batch(11), context)) == []
    head = head_of(place, 11)
    assert head is not None
    assert head.is_usable(UTC)
    assert waiting(clients, template) == ([11], 0)


def test_what_can_not_be_put_back_stays(
    counter: ModuleType, template: Template, clients: Clients, place: Resources
) -> None:
    """Without the queue's help the message itself comes again."""
    clients.sqs.delete_queue(QueueUrl=template.resources["CountQueue"].ref)
    context = Context(remaining=[counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP])
    assert failed(counter.lambda_handler(batch(11), context)) == ["m0"]
    assert head_of(place, 11) is not None


def test_an_unforeseen_failure_holds_up_nobody(
    counter: ModuleType, place: Resources, capsys: pytest.CaptureFixture[str]
) -> None:
    """A head that nobody could have written fails its own workspace alone, and says no secret."""
    spoiled = {"workspace_id": {"N": "11"}, "sort_key": {"S": "head"}, "zone": {"S": "spoiled"}}
    place.dynamodb.put_item(TableName=place.tables.rollups, Item=spoiled)
    answer = counter.lambda_handler(batch(11, 12), Context(remaining=[900_000]))
    assert failed(answer) == ["m0"]
    assert head_of(place, 12) is not None
    assert "example.com" not in capsys.readouterr().out


def test_a_workspace_that_somebody_counts_is_looked_at_again_later(
    counter: ModuleType, place: Resources, template: Template, clients: Clients
) -> None:
    """Should that one fail, somebody else has to, once its hold is over."""
    held = Head(3, "UTC", held_until=format_timestamp(datetime.now(UTC) + timedelta(minutes=9)))
    place.dynamodb.put_item(TableName=place.tables.rollups, Item=held.to_item(11))
    assert failed(counter.lambda_handler(batch(11), Context(remaining=[900_000]))) == []
    assert head_of(place, 11) == held
    assert waiting(clients, template) == ([], 1)


def test_a_workspace_that_is_held_is_left_alone(
    counter: ModuleType, place: Resources, template: Template, clients: Clients
) -> None:
    """By a tool, which has it counted in the end."""
    held = Head(3, "UTC", held_until=UNTIL_RELEASED)
    place.dynamodb.put_item(TableName=place.tables.rollups, Item=held.to_item(11))
    assert failed(counter.lambda_handler(batch(11), Context(remaining=[900_000]))) == []
    assert head_of(place, 11) == held
    assert waiting(clients, template) == ([], 0)
