"""The functions behind a proxy that may damage what the store answers, and things to do there."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import batched, count
from types import ModuleType
from typing import Any

from benchmarks.rows import row_of_age
from local.store.clients import Clients
from local.template.template import Template
from tests.support.damage import Proxy
from tests.support.functions import ROOT, Context
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Source, to_stored_item

NOW = datetime.now(UTC)
LISTED, NEW, GROWN = 11, 12, 13
"""Workspaces: one that is counted; one of which nothing is counted; one half of which is."""

ROWS = 101
"""As many as make a workspace worth counting, and one."""

SECRET = "s3cr3t"
FUNCTIONS = ("authorizer", "usage", "recorder", "counter")
EVENTS = {
    name: json.loads((ROOT / "events" / f"event-{name}.json").read_text("utf-8"))
    for name in ("execution-recorded", "access-token-issued")
}
NUMBERS = count(1_000)

type Trial = Callable[[], bool]
"""Does something; whether it was done. It can be done again: nothing happens twice."""


@dataclass(frozen=True)
class Harness:
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

    def put(self, table: str, items: Iterable[Any]) -> None:
        """Stores items."""
        self._write(table, ({"PutRequest": {"Item": item}} for item in items))

    def counts(self, workspace_id: int) -> list[Any]:
        """What is kept of a workspace's counts."""
        return self.clients.dynamodb.query(
            TableName=self.table("Rollups"),
            KeyConditionExpression="workspace_id = :id",
            ExpressionAttributeValues={":id": {"N": str(workspace_id)}},
        )["Items"]

    def recount(self, workspace_id: int, counts: list[Any]) -> None:
        """Puts other counts in the place of a workspace's."""
        names = ("workspace_id", "sort_key")
        keys = ({name: item[name] for name in names} for item in self.counts(workspace_id))
        self._write("Rollups", ({"DeleteRequest": {"Key": key}} for key in keys))
        self.put("Rollups", counts)

    def _write(self, table: str, requests: Iterable[Any]) -> None:
        for some in batched(requests, 25, strict=False):
            self.clients.dynamodb.batch_write_item(RequestItems={self.table(table): some})

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
        found = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.queue(queue), AttributeNames=["All"]
        )
        attributes: Mapping[str, str] = found["Attributes"]  # type: ignore[assignment]
        return sum(int(attributes[name]) for name in names)


def fill(harness: Harness) -> None:
    """Puts everything in: rows, counts, and who may see them."""
    token = AccessToken(
        7,
        "App\\Models\\User",
        42,
        sha256(SECRET.encode()).hexdigest(),
        frozenset({"*"}),
        None,
        None,
    )
    harness.put("AccessTokens", [token_item(token)])
    harness.put("Memberships", [membership_item(Membership(LISTED, 42, frozenset()))])
    put_rows(harness, LISTED, range(1, ROWS + 1))
    put_rows(harness, NEW, range(1, ROWS + 1))
    put_rows(harness, GROWN, range(1, ROWS + 1))
    for workspace_id in (LISTED, GROWN):
        assert count_rows(harness, workspace_id)
    harness.half_counted.extend(harness.counts(GROWN))
    put_rows(harness, GROWN, range(ROWS + 1, 2 * ROWS + 1))


def put_rows(harness: Harness, workspace_id: int, numbers: range) -> None:
    """Stores old rows, the newest last."""
    rows = (row_of_age(Source.CURRENT, n, timedelta(minutes=600 - n), NOW) for n in numbers)
    mine = (row._replace(workspace_id=workspace_id, user_id=42) for row in rows)
    harness.put("Executions", map(to_stored_item, mine))


# What is done. Everything but a right answer and the store's unavailability fails the test.


def let_in(harness: Harness, token: str) -> bool:
    """Asks the authorizer about a member."""
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": str(LISTED)}
    event = {"methodArn": "arn:aws:execute-api:r:1:a/v1/GET/u", "headers": headers}
    try:
        answer = harness.functions["authorizer"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    assert answer["context"] == {"user_id": "42", "workspace_id": str(LISTED), "sees": "own"}
    return True


def list_page(harness: Harness, workspace_id: int, rows: int, page: int, per_page: int) -> bool:
    """Asks for a page of a workspace in which there are so many rows."""
    event = {"workspace_id": workspace_id, "page": page, "per_page": per_page}
    try:
        answer = harness.functions["usage"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    newest = rows - (page - 1) * per_page
    ids = [item["id"] for item in answer["items"]]
    assert ids == list(range(newest, max(newest - per_page, 0), -1))
    return True


def record(harness: Harness, body: str) -> bool:
    """Has an event recorded."""
    message = {"messageId": "m", "body": body}
    answer = harness.functions["recorder"].lambda_handler({"Records": [message]}, Context())
    return not answer["batchItemFailures"]


def count_rows(harness: Harness, workspace_id: int) -> bool:
    """Has a workspace counted."""
    waiting = harness.waiting("Count")
    body = json.dumps({"workspace_id": workspace_id})
    message = {"messageId": "m", "body": body}
    context = Context(remaining=[900_000])
    answer = harness.functions["counter"].lambda_handler({"Records": [message]}, context)
    assert answer["batchItemFailures"] == [], "what is unavailable is put back"
    return harness.waiting("Count") == waiting


# Trials: what is done in a place of its own, so that it can be tried time and again.


def token_by_id(harness: Harness) -> Trial:
    return lambda: let_in(harness, f"7|{SECRET}")


def token_by_hash(harness: Harness) -> Trial:
    return lambda: let_in(harness, SECRET)


def first_page(harness: Harness) -> Trial:
    return lambda: list_page(harness, LISTED, ROWS, 1, 20)


def deep_page(harness: Harness) -> Trial:
    return lambda: list_page(harness, LISTED, ROWS, 11, 10)


def setting(harness: Harness) -> Trial:
    """A page of a function that has not read the setting yet."""

    def trial() -> bool:
        harness.functions["usage"].listing.cache_clear()
        return list_page(harness, LISTED, ROWS, 1, 20)

    return trial


def execution(harness: Harness) -> Trial:
    event = json.loads(json.dumps(EVENTS["execution-recorded"]))
    number = next(NUMBERS)
    event["detail"]["execution"].update(id=number, workspace_id=number)

    def trial() -> bool:
        if not record(harness, json.dumps(event)):
            return False
        [found] = harness.clients.dynamodb.query(
            TableName=harness.table("Executions"),
            KeyConditionExpression="workspace_id = :id",
            ExpressionAttributeValues={":id": {"N": str(number)}},
        )["Items"]
        assert found["status"]["S"] == event["detail"]["execution"]["status"]
        return True

    return trial


def token(harness: Harness) -> Trial:
    event = json.loads(json.dumps(EVENTS["access-token-issued"]))
    number = next(NUMBERS)
    event["detail"]["token"]["id"] = number

    def trial() -> bool:
        key = {"token_id": {"N": str(number)}}
        found = harness.clients.dynamodb.get_item
        return record(harness, json.dumps(event)) and "Item" in found(
            TableName=harness.table("AccessTokens"), Key=key
        )

    return trial


def rejected(harness: Harness) -> Trial:
    def trial() -> bool:
        before = harness.waiting("DeadLetter")
        if not record(harness, "not JSON"):
            return False
        assert harness.waiting("DeadLetter") > before
        return True

    return trial


def new_counts(harness: Harness) -> Trial:
    harness.recount(NEW, [])
    return lambda: count_rows(harness, NEW) and list_page(harness, NEW, ROWS, 11, 10)


def grown_counts(harness: Harness) -> Trial:
    harness.recount(GROWN, harness.half_counted)

    def trial() -> bool:
        return count_rows(harness, GROWN) and list_page(harness, GROWN, 2 * ROWS, 21, 10)

    return trial


def unfinished(harness: Harness) -> Trial:
    """A workspace for which there is no time, which is put back."""
    body = json.dumps({"workspace_id": NEW})

    def trial() -> bool:
        waiting = harness.waiting("Count")
        event = {"Records": [{"messageId": "m", "body": body}]}
        answer = harness.functions["counter"].lambda_handler(event, Context(remaining=[0]))
        assert answer["batchItemFailures"] or harness.waiting("Count") > waiting
        return not answer["batchItemFailures"]

    return trial
