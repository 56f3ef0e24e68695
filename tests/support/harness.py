"""The functions behind a proxy that damages responses of AWS's services, and trials to make there.

A trial does one thing with the functions, such as recording an event. It says whether that
succeeded, or fails the test if what happened is wrong. The store may be unavailable; nothing else
may go wrong. A trial can be repeated: what it does happens once.
"""

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import batched, count
from types import ModuleType
from typing import Any, Final

from local.store.clients import Clients
from local.template.template import Template
from tests.support.counting import OLDEST, CountedTables, count_batch
from tests.support.damage import Proxy
from tests.support.functions import ROOT, Context
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rollups.counter import MIN_ROWS

COUNTED_WORKSPACE: Final = 11
"""A workspace whose rows are all counted."""

UNCOUNTED_WORKSPACE: Final = 12
"""A workspace without counts."""

GROWN_WORKSPACE: Final = 13
"""A workspace that has twice as many rows as are counted."""

ROWS: Final = MIN_ROWS + 1
"""The rows of a workspace: enough to be counted. The grown one has twice as many."""

TOKEN_SECRET: Final = "s3cr3t"
FUNCTIONS: Final = (
    "authorizer",
    "usage",
    "summary",
    "exports",
    "exporter",
    "recorder",
    "counter",
)
EVENTS: Final[dict[str, Any]] = {
    name: json.loads((ROOT / "events" / f"event-{name}.json").read_text("utf-8"))
    for name in ("execution-recorded", "access-token-issued")
}
UNUSED_IDS: Final = count(1_000)

type Trial = Callable[[], bool]
"""Does one thing, and returns whether it succeeded."""


@dataclass
class Harness:
    """The functions behind a proxy, and clients that don't use the proxy.

    Attributes:
        proxy: damages responses to the functions.
        clients: are connected to the services themselves.
        template: the stack's.
        functions: the functions' modules by their names.
        half_of_the_counts: the grown workspace's counts from before it grew.
    """

    proxy: Proxy
    clients: Clients
    template: Template
    functions: dict[str, ModuleType]
    half_of_the_counts: list[Any] = field(default_factory=list)

    @property
    def counted(self) -> CountedTables:
        """The tables, for preparing and checking counts."""
        return CountedTables(self.clients, self.template)

    def table(self, name: str) -> str:
        """Returns the name of a table in the stack."""
        return self.template.resources[f"{name}Table"].name

    def queue(self, name: str) -> str:
        """Returns the URL of a queue."""
        return self.template.resources[f"{name}Queue"].ref

    def put(self, table: str, items: Iterable[Any]) -> None:
        """Stores items."""
        self._write(table, ({"PutRequest": {"Item": item}} for item in items))

    def read_counts(self, workspace_id: int) -> list[Any]:
        """Returns the stored items of a workspace's counts."""
        return self.clients.dynamodb.query(
            TableName=self.table("Rollups"),
            KeyConditionExpression="workspace_id = :id",
            ExpressionAttributeValues={":id": {"N": str(workspace_id)}},
        )["Items"]

    def replace_counts(self, workspace_id: int, counts: list[Any]) -> None:
        """Deletes a workspace's counts, and stores others."""
        names = ("workspace_id", "sort_key")
        keys = ({name: item[name] for name in names} for item in self.read_counts(workspace_id))
        self._write("Rollups", ({"DeleteRequest": {"Key": key}} for key in keys))
        self.put("Rollups", counts)

    def count_messages(self, queue: str) -> int:
        """Returns how many messages are in a queue, delayed ones included."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
        response: Any = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.queue(queue), AttributeNames=["All"]
        )
        return sum(int(response["Attributes"][name]) for name in names)

    def _write(self, table: str, requests: Iterable[Any]) -> None:
        for batch in batched(requests, 25, strict=False):
            self.clients.dynamodb.batch_write_item(RequestItems={self.table(table): batch})


def fill(harness: Harness) -> None:
    """Stores rows and counts, and a member of the counted workspace with a token."""
    token = AccessToken(
        token_id=7,
        tokenable_type="App\\Models\\User",
        tokenable_id=42,
        token_hash=sha256(TOKEN_SECRET.encode()).hexdigest(),
        abilities=frozenset({"*"}),
        created_at=None,
        expires_at=None,
    )
    membership = Membership(COUNTED_WORKSPACE, 42, frozenset())
    harness.put("AccessTokens", [token_item(token)])
    harness.put("Memberships", [membership_item(membership)])
    for workspace_id in (COUNTED_WORKSPACE, UNCOUNTED_WORKSPACE, GROWN_WORKSPACE):
        harness.counted.put_rows(workspace_id, range(1, ROWS + 1))
    for workspace_id in (COUNTED_WORKSPACE, GROWN_WORKSPACE):
        # Before the other half of the rows. Readers don't use a watermark that has just moved.
        harness.counted.count(workspace_id, age=OLDEST - timedelta(minutes=ROWS + 3.5))
    harness.half_of_the_counts = harness.read_counts(GROWN_WORKSPACE)
    harness.counted.put_rows(GROWN_WORKSPACE, range(ROWS + 1, 2 * ROWS + 1))


# --- What trials do, each with one function -------------------------------------------------------


def authorize(harness: Harness, token: str) -> bool:
    """Asks the authorizer about a member's request; returns whether it could answer."""
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": str(COUNTED_WORKSPACE)}
    event = {"methodArn": "arn:aws:execute-api:r:1:a/v1/GET/u", "headers": headers}
    try:
        policy = harness.functions["authorizer"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    context = {"user_id": "42", "workspace_id": str(COUNTED_WORKSPACE), "sees": "own"}
    assert policy["context"] == context
    return True


def list_page(harness: Harness, workspace_id: int, rows: int, page: int, per_page: int) -> bool:
    """Asks the usage function for a page; returns whether it could answer.

    Args:
        harness: the harness.
        workspace_id: the workspace.
        rows: the number of the workspace's rows.
        page: the page's number.
        per_page: the rows of a page.
    """
    event = {"workspace_id": workspace_id, "page": page, "per_page": per_page}
    try:
        body = harness.functions["usage"].lambda_handler(event, Context())
    except StoreUnavailable:
        return False
    newest = rows - (page - 1) * per_page
    ids = [item["id"] for item in body["items"]]
    assert ids == list(range(newest, max(newest - per_page, 0), -1))
    return True


def record(harness: Harness, body: str) -> bool:
    """Sends a message to the recorder; returns whether it needs no retry."""
    event = {"Records": [{"messageId": "m", "body": body}]}
    response = harness.functions["recorder"].lambda_handler(event, Context())
    return not response["batchItemFailures"]


def count_rows(harness: Harness, workspace_id: int) -> bool:
    """Sends a workspace to the counter; returns whether the counter has nothing left to do."""
    requests = harness.count_messages("Count")
    context = Context(remaining=[900_000])
    response = harness.functions["counter"].lambda_handler(count_batch(workspace_id), context)
    assert response["batchItemFailures"] == [], "the counter sends a new message for a retry"
    return harness.count_messages("Count") == requests


def check_counts(harness: Harness, workspace_id: int, rows: int) -> None:
    """Checks that a workspace is counted, but for so few rows that they are left to a later run."""
    assert rows - MIN_ROWS < harness.counted.counted_rows(workspace_id) <= rows


# --- Trials ---------------------------------------------------------------------------------------


def token_by_id(harness: Harness) -> Trial:
    return lambda: authorize(harness, f"7|{TOKEN_SECRET}")


def token_by_hash(harness: Harness) -> Trial:
    return lambda: authorize(harness, TOKEN_SECRET)


def first_page(harness: Harness) -> Trial:
    return lambda: list_page(harness, COUNTED_WORKSPACE, ROWS, 1, 20)


def deep_page(harness: Harness) -> Trial:
    return lambda: list_page(harness, COUNTED_WORKSPACE, ROWS, 11, 10)


def sums(harness: Harness) -> Trial:
    """Adds up the counted workspace's rows by user."""
    event = {"workspace_id": COUNTED_WORKSPACE, "range": "30d", "group_by": "user"}

    def trial() -> bool:
        try:
            body = harness.functions["summary"].lambda_handler(event, Context())
        except StoreUnavailable:
            return False
        assert body["totals"]["runs"] == ROWS
        return True

    return trial


def setting(harness: Harness) -> Trial:
    """Lists a page with a function that has not read the setting yet."""

    def trial() -> bool:
        harness.functions["usage"].listing.cache_clear()
        return list_page(harness, COUNTED_WORKSPACE, ROWS, 1, 20)

    return trial


def execution(harness: Harness) -> Trial:
    """Records an execution that is late, so that it needs a mark and a request to count."""
    event, number = deepcopy(EVENTS["execution-recorded"]), next(UNUSED_IDS)
    event["detail"]["execution"].update(id=number, workspace_id=number)

    def trial() -> bool:
        if not record(harness, json.dumps(event)):
            return False
        [item] = harness.clients.dynamodb.query(
            TableName=harness.table("Executions"),
            KeyConditionExpression="workspace_id = :id",
            ExpressionAttributeValues={":id": {"N": str(number)}},
        )["Items"]
        assert item["status"]["S"] == event["detail"]["execution"]["status"]
        assert harness.counted.marks(number).marked_at
        return True

    return trial


def token(harness: Harness) -> Trial:
    """Records an access token."""
    event, number = deepcopy(EVENTS["access-token-issued"]), next(UNUSED_IDS)
    event["detail"]["token"]["id"] = number

    def trial() -> bool:
        if not record(harness, json.dumps(event)):
            return False
        table, key = harness.table("AccessTokens"), {"token_id": {"N": str(number)}}
        assert "Item" in harness.clients.dynamodb.get_item(TableName=table, Key=key)
        return True

    return trial


def rejection(harness: Harness) -> Trial:
    """Sends a message that is not JSON, which is kept in the dead-letter queue."""

    def trial() -> bool:
        dead_letters = harness.count_messages("DeadLetter")
        if not record(harness, "not JSON"):
            return False
        assert harness.count_messages("DeadLetter") > dead_letters
        return True

    return trial


def new_counts(harness: Harness) -> Trial:
    """Counts a workspace without counts, then lists a page far down."""
    harness.replace_counts(UNCOUNTED_WORKSPACE, [])

    def trial() -> bool:
        if not count_rows(harness, UNCOUNTED_WORKSPACE):
            return False
        check_counts(harness, UNCOUNTED_WORKSPACE, ROWS)
        return list_page(harness, UNCOUNTED_WORKSPACE, ROWS, 11, 10)

    return trial


def grown_counts(harness: Harness) -> Trial:
    """Counts the other half of a workspace, then lists a page far down."""
    harness.replace_counts(GROWN_WORKSPACE, harness.half_of_the_counts)

    def trial() -> bool:
        if not count_rows(harness, GROWN_WORKSPACE):
            return False
        check_counts(harness, GROWN_WORKSPACE, 2 * ROWS)
        return list_page(harness, GROWN_WORKSPACE, 2 * ROWS, 21, 10)

    return trial


def old_mark(harness: Harness) -> Trial:
    """Has a mark removed that has had its effect."""
    harness.counted.put_mark(COUNTED_WORKSPACE, 1, age=OLDEST - timedelta(hours=2))

    def trial() -> bool:
        if not count_rows(harness, COUNTED_WORKSPACE):
            return False
        assert not harness.counted.marks(COUNTED_WORKSPACE).marked_at
        return True

    return trial


def unfinished_count(harness: Harness) -> Trial:
    """Sends a workspace to a counter that has no time for it, so that it has to be retried."""

    def trial() -> bool:
        requests = harness.count_messages("Count")
        batch, context = count_batch(UNCOUNTED_WORKSPACE), Context(remaining=[0])
        response = harness.functions["counter"].lambda_handler(batch, context)
        is_sent_again = harness.count_messages("Count") > requests
        assert response["batchItemFailures"] or is_sent_again
        return not response["batchItemFailures"]

    return trial
