"""Events on the local bus: each sample has its effect, and a killed recorder loses nothing."""

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.aws import CLIENT_CONFIG, session
from tests.contract.service import Answer, Service
from tests.support.functions import ROOT
from usagectl.send import Envelope, read_event, send
from workspace_usage.values import format_timestamp

pytestmark = pytest.mark.xdist_group("operated")

MAX_WAIT = 300.0
"""Seconds after which an effect is taken for lost, even on a slow machine."""

DAY = {"start_date": "2026-01-05", "end_date": "2026-01-05"}
FAY = {"Authorization": "Bearer 6|demo-fay", "x-workspace-id": "11"}


@pytest.fixture
def service(operated: Service) -> Service:
    """The service whose data events change."""
    return operated


def put(service: Service, *events: Envelope) -> None:
    """Puts events on the bus."""
    bus = service.stack.template.resources["EventBus"].name
    assert send(service.stack.clients.events, bus, events) == len(events)


def send_sample(service: Service, name: str) -> None:
    """Puts a sample on the bus."""
    put(service, read_event(ROOT / "events" / f"event-{name}.json"))


def ask(service: Service) -> Answer:
    """What the user of the samples gets for the samples' day, without the cache."""
    service.clock.now += 1000
    return service.ask(None, DAY, headers=FAY)


def seen(answer: Answer) -> list[tuple[Any, ...]]:
    """The fields of a listing's items that events change."""
    fields = ("id", "status", "source", "credits")
    return [tuple(str(item[name]) for name in fields) for item in answer.body.get("items", ())]


def test_each_sample_shows_its_effect(service: Service) -> None:
    """A member joins, runs an agent, sees it succeed and archived, and is removed again."""

    def after(name: str, status: int, *rows: tuple[str, ...]) -> None:
        send_sample(service, name)
        deadline = time.monotonic() + MAX_WAIT
        while True:
            answer = ask(service)
            if (answer.status, seen(answer)) == (status, list(rows)):
                return
            if time.monotonic() > deadline:
                pytest.fail(f"after {name}: {answer.status}, {answer.body}")

    begun = ("5001", "failed", "current", "0")
    done = ("5001", "succeeded", "current", "0.006145")
    archived = ("5001", "succeeded", "archived", "0.006145")
    edited = ("chat-edited-7001", "succeeded", "edited", "0.25")
    after("access-token-issued", 403)
    after("workspace-member-added", 200)
    after("execution-recorded", 200, begun)
    after("execution-recorded-later-status", 200, done)
    after("execution-archived", 200, archived)
    after("chat-edited", 200, edited, archived)
    # An older event changes nothing. The next effect comes after it, and so shows that.
    send_sample(service, "execution-recorded")
    after("workspace-member-removed", 403)
    send_sample(service, "workspace-member-changed")
    after("access-token-changed", 403)
    after("access-token-revoked", 401)
    assert rows_of(service, "ExecutionsTable", 6)[0]["status"] == {"S": "succeeded"}


def post(service: Service, event: object) -> tuple[int, dict[str, str]]:
    """The status and the body of what ``POST /_local/events`` answers."""
    url = f"{service.stack.url}/_local/events"
    content = event if isinstance(event, bytes) else json.dumps(event)
    response = httpx.post(url, content=content, timeout=300)
    return response.status_code, response.json()


def joining(workspace_id: int, **fields: Any) -> dict[str, Any]:
    """The event that user 8 joined a workspace."""
    member = {"workspace_id": workspace_id, "user_id": 8, "permissions": [], **fields}
    detail = {"occurred_at": format_timestamp(datetime.now(UTC)), "member": member}
    return {"source": "tess", "detail-type": "WorkspaceMemberAdded", "detail": detail}


def test_the_answer_to_a_posted_event_comes_after_its_effect(service: Service) -> None:
    """So the caller need not wait for it or ask again."""
    assert post(service, joining(98)) == (
        200,
        {"status": "applied", "message": "the event was applied"},
    )
    assert members_of(service, 98)


def test_the_answer_to_a_rejected_event_has_the_reason(service: Service) -> None:
    """The recorder's own. An event that is larger than a queue takes is refused."""
    status, said = post(service, joining(97, user_id="x"))
    assert (status, said["status"]) == (422, "rejected")
    assert said["message"].startswith("detail: member.user_id: ")
    assert not members_of(service, 97)
    status, said = post(service, joining(97, permissions=["x" * 2_000_000]))
    assert (status, said["status"]) == (400, "refused")


def test_events_wait_while_the_recorder_is_paused(service: Service) -> None:
    """By Lambda's own API, as ``usagectl recorder pause`` uses it."""
    client = session().client("lambda", endpoint_url=service.stack.url, config=CLIENT_CONFIG)
    queue = service.stack.template.resources["EventQueue"].arn
    (mapping,) = client.list_event_source_mappings(EventSourceArn=queue)["EventSourceMappings"]
    uuid = mapping["UUID"]
    assert uuid == service.stack.template.outputs["EventSourceMappingId"]
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    wait_for(lambda: client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    moment = datetime.now(UTC) - timedelta(hours=1)
    status, said = post(service, envelope(recorded(100, moment, user_id=96)))
    assert (status, said["status"]) == (202, "waiting")
    assert "RecorderFunction is paused" in said["message"]
    attributes = service.stack.clients.sqs.get_queue_attributes(
        QueueUrl=service.stack.template.resources["EventQueue"].ref,
        AttributeNames=["ApproximateNumberOfMessages"],
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert post(service, envelope(recorded(101, moment, user_id=96)))[0] == 200
    wait_for(lambda: len(rows_of(service, "ExecutionsTable", 96)) == 2)


def test_aws_own_tools_can_invoke_a_function(service: Service) -> None:
    """By its logical id and by its name, with an alias behind it or beside it."""
    client = session().client("lambda", endpoint_url=service.stack.url, config=CLIENT_CONFIG)
    name = service.stack.template.resources["UsageFunction"].name
    ways: list[dict[str, str]] = [
        {"FunctionName": "UsageFunction"},
        {"FunctionName": name, "Qualifier": "live"},
        {"FunctionName": f"{name}:live"},
        {"FunctionName": service.stack.template.outputs["UsageFunctionArn"]},
    ]
    for way in ways:
        answer = client.invoke(**way, Payload=b'{"workspace_id": 11, "per_page": 1}')  # type: ignore[arg-type]
        assert answer["StatusCode"] == 200
        assert len(json.load(answer["Payload"])["items"]) == 1
    failed = client.invoke(FunctionName=name, Payload=b"{}")
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "InvalidRequest"


def test_aws_own_tools_can_send_an_event(service: Service) -> None:
    """``aws events put-events --endpoint-url`` with the address that is served."""
    client = session().client("events", endpoint_url=service.stack.url, config=CLIENT_CONFIG)
    detail = {
        "occurred_at": format_timestamp(datetime.now(UTC)),
        "member": {"workspace_id": 99, "user_id": 8, "permissions": []},
    }
    event = Envelope("tess", "WorkspaceMemberAdded", json.dumps(detail))
    assert send(client, "workspace-usage", [event]) == 1
    wait_for(lambda: bool(members_of(service, 99)))


BATCH, KILLS = 20, 3


def test_a_recorder_that_is_killed_loses_nothing_and_writes_nothing_twice(service: Service) -> None:
    """It is killed several times in the middle of a batch; the batch then comes again."""
    queue = service.stack.template.resources["EventQueue"].ref
    # Otherwise a batch whose recorder died would come again after three minutes.
    service.stack.clients.sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"VisibilityTimeout": "2"}
    )
    moment = datetime.now(UTC) - timedelta(hours=1)
    for kill in range(KILLS):
        put(service, *(recorded(kill * BATCH + number, moment) for number in range(BATCH)))
        kill_recorders()
    wait_for(lambda: len(rows_of(service, "ExecutionsTable", 77)) == KILLS * BATCH)
    ids = {row["sort_key"]["S"] for row in rows_of(service, "ExecutionsTable", 77)}
    assert len(ids) == KILLS * BATCH


def envelope(event: Envelope) -> dict[str, Any]:
    """An event in the form in which EventBridge delivers it."""
    return {
        "source": event.source,
        "detail-type": event.detail_type,
        "detail": json.loads(event.detail),
    }


def recorded(number: int, moment: datetime, user_id: int = 77) -> Envelope:
    """The event that an execution of a user was recorded."""
    sample = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
    detail = sample["detail"]
    detail["execution"] |= {
        "id": 9_000 + number,
        "user_id": user_id,
        "created_at": format_timestamp(moment),
    }
    return Envelope("tess", "ExecutionRecorded", json.dumps(detail))


def kill_recorders() -> None:
    """Kills the recorder's processes, so that they can't finish anything."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = environment.read_bytes().split(b"\0")
            parent = Path(environment.parent, "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # the process has ended, or belongs to another user
        is_recorder = b"AWS_LAMBDA_FUNCTION_NAME=workspace-usage-RecorderFunction" in variables
        if is_recorder and int(parent) == os.getpid():
            os.kill(int(environment.parent.name), signal.SIGKILL)


def rows_of(service: Service, table: str, user_id: int) -> list[dict[str, Any]]:
    """A user's stored items in workspace 11."""
    answer = service.stack.clients.dynamodb.query(
        TableName=service.stack.template.resources[table].name,
        IndexName="by_user",
        KeyConditionExpression="workspace_id = :w AND user_id = :u",
        ExpressionAttributeValues={":w": {"N": "11"}, ":u": {"N": str(user_id)}},
    )
    return [dict(item) for item in answer["Items"]]


def members_of(service: Service, workspace_id: int) -> list[dict[str, Any]]:
    """The stored memberships of a workspace."""
    answer = service.stack.clients.dynamodb.query(
        TableName=service.stack.template.resources["MembershipsTable"].name,
        KeyConditionExpression="workspace_id = :w",
        ExpressionAttributeValues={":w": {"N": str(workspace_id)}},
    )
    return [dict(item) for item in answer["Items"]]


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds, and fails if that takes too long."""
    deadline = time.monotonic() + MAX_WAIT
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("the condition did not hold in time")
        time.sleep(0.1)
