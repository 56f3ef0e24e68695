"""Damaged answers of the store: a call is made again, or the store is unavailable; nothing else.

Each call of each function is damaged in every way, once, three times and always, on the way through
a proxy. The request itself always reaches moto: a write has happened although nobody was told.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from math import inf
from threading import Thread
from types import ModuleType
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from local import aws as local_aws
from local.exchange import Request
from local.functions import Answer
from local.gateway import Gateway
from local.provision import provision
from local.store import Clients, Endpoints
from local.template import Template
from tests.support.damage import DAMAGES, DRIP, Damage, Proxy
from tests.support.functions import ROOT, Context, environment_of, load
from tests.support.rows import row_of_age
from workspace_usage import aws
from workspace_usage.access import AccessToken, Membership
from workspace_usage.aws import refuse_damaged
from workspace_usage.calls import DYNAMODB, Reader
from workspace_usage.directory import membership_item, token_item
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows import Source, to_item

NOW = datetime.now(UTC)
LISTED, NEW, GROWN = 11, 12, 13
"""Workspaces: one that is counted; one of which nothing is counted; one half of which is."""

ROWS = 101
"""As many as make a workspace worth counting, and one."""

SECRET = "s3cr3t"
SHARED = {
    "authorizer": ["directory"],
    "usage": ["listing"],
    "recorder": ["recorder", "sqs"],
    "counter": ["counter", "sqs"],
}
"""The functions, and what their invocations share."""

EVENTS = {
    name: json.loads((ROOT / "events" / f"event-{name}.json").read_text("utf-8"))
    for name in ("execution-recorded", "access-token-issued")
}
NUMBERS = count(1_000)

type Trial = Callable[[], bool]
"""Does something; whether it was done. It can be done again: nothing happens twice."""


@dataclass(frozen=True)
class House:
    """The functions behind a proxy, and clients that go past it."""

    proxy: Proxy
    clients: Clients
    template: Template
    functions: dict[str, ModuleType]
    half_counted: list[Any] = field(default_factory=list)

    def table(self, name: str) -> str:
        """The name of a table."""
        return self.template.resources[f"{name}Table"].name

    def queue(self, name: str) -> str:
        """The URL of a queue."""
        return self.template.resources[f"{name}Queue"].ref

    def put(self, table: str, *items: Any) -> None:
        """Stores items."""
        for item in items:
            self.clients.dynamodb.put_item(TableName=self.table(table), Item=item)

    def counts(self, workspace_id: int) -> list[Any]:
        """What is kept of a workspace's counts."""
        found = self.clients.dynamodb.scan(TableName=self.table("Rollups"))["Items"]
        return [item for item in found if item["workspace_id"] == {"N": str(workspace_id)}]

    def recount(self, workspace_id: int, counts: list[Any]) -> None:
        """Puts other counts in the place of a workspace's."""
        for item in self.counts(workspace_id):
            key = {name: item[name] for name in ("workspace_id", "sort_key")}
            self.clients.dynamodb.delete_item(TableName=self.table("Rollups"), Key=key)
        self.put("Rollups", *counts)

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
        found = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.queue(queue), AttributeNames=["All"]
        )["Attributes"]
        return sum(int(found[name]) for name in names)  # type: ignore[literal-required]

    def restart(self) -> None:
        """Has every function begin with new clients, which have made no retries yet."""
        aws._client.cache_clear()
        for function, shared in SHARED.items():
            for name in shared:
                getattr(self.functions[function], name).cache_clear()


@pytest.fixture(scope="module")
def house(endpoints: Endpoints, template: Template) -> Iterator[House]:
    """The house, with rows in its workspaces, and a member of the first."""
    with pytest.MonkeyPatch.context() as patch, Proxy(endpoints.dynamodb) as proxy:
        Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        for name, value in {
            **Endpoints.all_at(proxy.url).variables,
            **local_aws.CREDENTIALS,
            **local_aws.NO_CONFIGURATION,
            "AWS_DEFAULT_REGION": local_aws.REGION,
        }.items():
            patch.setenv(name, value)
        aws._session.cache_clear()
        clients = Clients.of(endpoints)
        provision(template, clients)
        loaded = {}
        for name in SHARED:
            environment = environment_of(template, f"{name.capitalize()}Function")
            loaded[name] = load(name, environment, patch)
        found = House(proxy, clients, template, loaded)
        fill(found)
        yield found
        proxy.shutdown()
        for client in (clients.dynamodb, clients.events, clients.s3, clients.sqs, clients.ssm):
            client.close()


def fill(house: House) -> None:
    """Puts everything in: rows, counts, and who may see them."""
    token = AccessToken(
        7, "User", 42, sha256(SECRET.encode()).hexdigest(), frozenset({"*"}), None, None
    )
    house.put("AccessTokens", token_item(token))
    house.put("Memberships", membership_item(Membership(LISTED, 42, frozenset())))
    put_rows(house, LISTED, range(1, ROWS + 1))
    put_rows(house, NEW, range(1, ROWS + 1))
    put_rows(house, GROWN, range(1, ROWS + 1))
    house.restart()
    for workspace_id in (LISTED, GROWN):
        assert count_rows(house, workspace_id)
    house.half_counted.extend(house.counts(GROWN))
    put_rows(house, GROWN, range(ROWS + 1, 2 * ROWS + 1))


def put_rows(house: House, workspace_id: int, numbers: range) -> None:
    """Stores old rows, the newest last."""
    for number in numbers:
        row = row_of_age(Source.CURRENT, number, timedelta(minutes=600 - number), NOW)
        house.put("Executions", to_item(row._replace(workspace_id=workspace_id, user_id=42)))


# What is done. Everything but a right answer and the store's unavailability fails the test.


def let_in(house: House, token: str) -> bool:
    """Asks the authorizer about a member."""
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": str(LISTED)}
    event = {"methodArn": "arn:aws:execute-api:r:1:a/v1/GET/u", "headers": headers}
    try:
        answer = house.functions["authorizer"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    assert answer["context"] == {"user_id": "42", "workspace_id": str(LISTED), "sees": "own"}
    return True


def list_page(house: House, workspace_id: int, rows: int, page: int, per_page: int) -> bool:
    """Asks for a page of a workspace in which there are so many rows."""
    event = {"workspace_id": workspace_id, "page": page, "per_page": per_page}
    try:
        answer = house.functions["usage"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    newest = rows - (page - 1) * per_page
    ids = [item["id"] for item in answer["items"]]
    assert ids == list(range(newest, max(newest - per_page, 0), -1))
    return True


def record(house: House, body: str) -> bool:
    """Has an event recorded."""
    message = {"messageId": "m", "body": body}
    answer = house.functions["recorder"].lambda_handler({"Records": [message]}, Context())
    return not answer["batchItemFailures"]


def count_rows(house: House, workspace_id: int) -> bool:
    """Has a workspace counted."""
    waiting = house.waiting("Count")
    body = json.dumps({"workspace_id": workspace_id})
    message = {"messageId": "m", "body": body}
    context = Context(remaining=[900_000])
    answer = house.functions["counter"].lambda_handler({"Records": [message]}, context)
    assert answer["batchItemFailures"] == [], "what is unavailable is put back"
    return house.waiting("Count") == waiting


# Trials: what is done in a place of its own, so that it can be tried time and again.


def token_by_id(house: House) -> Trial:
    return lambda: let_in(house, f"7|{SECRET}")


def token_by_hash(house: House) -> Trial:
    return lambda: let_in(house, SECRET)


def first_page(house: House) -> Trial:
    return lambda: list_page(house, LISTED, ROWS, 1, 20)


def deep_page(house: House) -> Trial:
    return lambda: list_page(house, LISTED, ROWS, 11, 10)


def setting(house: House) -> Trial:
    """A page of a function that has not read the setting yet."""

    def trial() -> bool:
        house.functions["usage"].listing.cache_clear()
        return list_page(house, LISTED, ROWS, 1, 20)

    return trial


def execution(house: House) -> Trial:
    event = json.loads(json.dumps(EVENTS["execution-recorded"]))
    number = next(NUMBERS)
    event["detail"]["execution"].update(id=number, workspace_id=number)

    def trial() -> bool:
        if not record(house, json.dumps(event)):
            return False
        [found] = house.clients.dynamodb.query(
            TableName=house.table("Executions"),
            KeyConditionExpression="workspace_id = :id",
            ExpressionAttributeValues={":id": {"N": str(number)}},
        )["Items"]
        assert found["status"]["S"] == event["detail"]["execution"]["status"]
        return True

    return trial


def token(house: House) -> Trial:
    event = json.loads(json.dumps(EVENTS["access-token-issued"]))
    number = next(NUMBERS)
    event["detail"]["token"]["id"] = number

    def trial() -> bool:
        key = {"token_id": {"N": str(number)}}
        found = house.clients.dynamodb.get_item
        return record(house, json.dumps(event)) and "Item" in found(
            TableName=house.table("AccessTokens"), Key=key
        )

    return trial


def rejected(house: House) -> Trial:
    def trial() -> bool:
        before = house.waiting("DeadLetter")
        if not record(house, "not JSON"):
            return False
        assert house.waiting("DeadLetter") > before
        return True

    return trial


def new_counts(house: House) -> Trial:
    house.recount(NEW, [])
    return lambda: count_rows(house, NEW) and list_page(house, NEW, ROWS, 11, 10)


def grown_counts(house: House) -> Trial:
    house.recount(GROWN, house.half_counted)

    def trial() -> bool:
        return count_rows(house, GROWN) and list_page(house, GROWN, 2 * ROWS, 21, 10)

    return trial


def unfinished(house: House) -> Trial:
    """A workspace for which there is no time, which is put back."""
    body = json.dumps({"workspace_id": NEW})

    def trial() -> bool:
        waiting = house.waiting("Count")
        event = {"Records": [{"messageId": "m", "body": body}]}
        answer = house.functions["counter"].lambda_handler(event, Context(remaining=[0]))
        assert answer["batchItemFailures"] or house.waiting("Count") > waiting
        return not answer["batchItemFailures"]

    return trial


CASES: list[tuple[Callable[[House], Trial], str, str]] = [
    (token_by_id, "GetItem", "AccessTokens"),
    (token_by_id, "GetItem", "Memberships"),
    (token_by_hash, "Query", "AccessTokens"),
    (first_page, "Query", "Executions"),
    (first_page, "Query", "EditedChats"),
    (setting, "GetParameter", ""),
    (deep_page, "GetItem", "Rollups"),
    (deep_page, "Query", "Rollups"),
    (execution, "GetItem", "Executions"),
    (execution, "GetItem", "Rollups"),
    (execution, "TransactWriteItems", ""),
    (token, "PutItem", "AccessTokens"),
    (rejected, "SendMessage", ""),
    (new_counts, "GetItem", "Rollups"),
    (new_counts, "Query", "Executions"),
    (new_counts, "PutItem", "Rollups"),
    (grown_counts, "BatchGetItem", "Rollups"),
    (grown_counts, "TransactWriteItems", "Rollups"),
    (unfinished, "SendMessage", ""),
]
"""What is tried, and which of its calls is damaged: an operation, and a table of it."""


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
@pytest.mark.parametrize(
    ("begin", "operation", "table"), CASES, ids=lambda part: getattr(part, "__name__", part)
)
def test_damage_is_never_an_answer(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    begin: Callable[[House], Trial],
    operation: str,
    table: str,
    damage: Damage,
) -> None:
    """Once, it costs another attempt; else nothing is done, or it is not known to be: the same
    is tried again later, and then all is well."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    house.restart()
    about = house.table(table) if table else ""
    for times in (1, 3, inf):
        trial = begin(house)
        with house.proxy.doing(damage, operation, about, times) as harm:
            done = trial()
        assert harm.done, "the call was not made"
        assert done or times > 1
        assert not done or times < inf
        assert trial()
    if begin is not unfinished:
        assert '"message":"failed"' not in capsys.readouterr().out, "nobody was taken by surprise"
