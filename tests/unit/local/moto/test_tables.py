"""moto with sorted tables responds as moto does, after any writes and to any request."""

import random
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from inspect import getsource
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from local.moto.process import MotoServer
from local.store.clients import Clients, Endpoints
from local.store.provision import provision
from local.template.expand import expand
from local.template.template import Template
from tests.support.functions import ROOT

TYPES = ("chat", "image", "text")

MALFORMED: tuple[dict[str, Any], ...] = (
    {"sort_key": {"M": {}}},
    {"sort_key": {"SS": ["a"]}},
    {"sort_key": {"N": "1"}},
    {"sort_key": {"S": ""}},
    {"workspace_id": {"N": "one"}},
    {"user_id": {"N": "one"}},
    {"user_id": {"S": "one"}},
)
"""Values that no key of the table or of an index can have."""


@pytest.fixture(scope="module")
def template() -> Template:
    return expand(ROOT / "template.yaml", {})


@pytest.fixture(scope="module")
def pair(template: Template) -> Iterator[tuple[Clients, Clients]]:
    """moto itself, and moto as the stack runs it, each with the template's tables."""
    plain = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    plain.start()
    ours = MotoServer()
    host, port = plain.get_host_and_port()
    clients = tuple(
        Clients.at(Endpoints.all_at(url)) for url in (f"http://{host}:{port}", ours.url())
    )
    for found in clients:
        provision(template, found)
    yield clients[0], clients[1]
    ours.stop()
    plain.stop()


def key(rng: random.Random) -> dict[str, Any]:
    return {
        "workspace_id": {"N": str(rng.choice((1, 2, 10)))},
        "sort_key": {"S": f"2026-01-{rng.randint(1, 4):02d}#{rng.randint(1, 9)}"},
    }


def item(rng: random.Random) -> dict[str, Any]:
    """An item that may lack attributes of indexes."""
    made = {**key(rng), "text": {"S": "x" * rng.choice((1, 50_000))}}
    if rng.random() < 0.9:
        made["user_id"] = {"N": str(rng.choice((2, 3, 20)))}
    if rng.random() < 0.9:
        made["agent_type"] = {"S": rng.choice(TYPES)}
    if rng.random() < 0.1:
        made["content"] = {"B": b"\0\xff"}
        made["list"] = {"L": [{"M": {"content": {"B": b"\xff"}}}]}
    return made


def write(rng: random.Random, table: str) -> tuple[str, dict[str, Any]]:
    """A random write: an operation and its request. Some fail."""
    condition = {"ConditionExpression": "attribute_exists(sort_key)"}
    put = {"TableName": table, "Item": item(rng)}
    delete = {"TableName": table, "Key": key(rng)}
    update = {
        "TableName": table,
        "Key": key(rng),
        "UpdateExpression": "SET user_id = :user REMOVE agent_type",
        "ExpressionAttributeValues": {":user": {"N": "3"}},
    }
    match rng.randrange(7):
        case 0:
            return "put_item", put | {"Item": item(rng) | rng.choice(MALFORMED)}
        case 1:
            return "put_item", put | (condition if rng.random() < 0.3 else {})
        case 2:
            return "delete_item", delete
        case 3:
            return "update_item", update | (condition if rng.random() < 0.5 else {})
        case 4:
            writes = [{"Put": put}, {"Delete": delete | condition}, {"Update": update}]
            return "transact_write_items", {"TransactItems": rng.sample(writes, 2)}
        case _:
            puts = [{"PutRequest": {"Item": item(rng)}}, {"DeleteRequest": {"Key": key(rng)}}]
            return "batch_write_item", {"RequestItems": {table: [rng.choice(puts)]}}


def question(rng: random.Random, table: str) -> tuple[str, dict[str, Any]]:
    """A random Query or Scan, of usual and unusual forms."""
    request: dict[str, Any] = {"TableName": table}
    if rng.random() < 0.5:
        request["Limit"] = rng.randint(1, 12)
    if rng.random() < 0.2:
        request["FilterExpression"] = "attribute_exists(agent_type)"
    if rng.random() < 0.15:
        return "scan", request
    names = {
        None: ["workspace_id"],
        "by_user": ["workspace_id", "user_id"],
        "by_type": ["workspace_id", "agent_type"],
        "by_user_and_type": ["workspace_id", "user_id", "agent_type"],
    }
    index = rng.choice(list(names))
    if index is not None:
        request["IndexName"] = index
    values = {
        "workspace_id": {"N": rng.choice(("1", "2", "10", "99"))},
        "user_id": {"N": rng.choice(("2", "3", "20"))},
        "agent_type": {"S": rng.choice(TYPES)},
    }
    conditions = [f"{name} = :{name}" for name in names[index]]
    given = {f":{name}": values[name] for name in names[index]}
    day = f"2026-01-{rng.randint(1, 4):02d}"
    match rng.randrange(5):
        case 0:
            conditions.append("sort_key BETWEEN :low AND :high")
            given |= {":low": {"S": day}, ":high": {"S": f"2026-01-{rng.randint(1, 5):02d}"}}
        case 1:
            conditions.append(f"sort_key {rng.choice(('<', '<=', '>', '>=', '='))} :low")
            given[":low"] = {"S": f"{day}#{rng.randint(1, 9)}"}
        case 2:
            conditions.append("begins_with(sort_key, :low)")
            given[":low"] = {"S": day}
    request["KeyConditionExpression"] = " AND ".join(conditions)
    request["ExpressionAttributeValues"] = given
    if rng.random() < 0.5:
        request["ScanIndexForward"] = rng.random() < 0.5
    return "query", request


def answer(clients: Clients, operation: str, request: dict[str, Any]) -> Any:
    """The pages of a response, or an error's code."""
    pages: list[Any] = []
    while True:
        try:
            page = getattr(clients.dynamodb, operation)(**request)
        except ClientError as error:
            return [*pages, error.response["Error"]["Code"]]
        page.pop("ResponseMetadata")
        pages.append(page)
        if not page.get("LastEvaluatedKey"):
            return pages
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def test_moto_has_the_version_that_sorted_tables_were_written_for() -> None:
    """They replace some of its functions, and rely on internals of others."""
    parts = (
        *(Table.query, Table.scan, Table.all_items, Table.get_item),
        *(Table.put_item, Table.delete_item, Table.sorted_items, Item.__init__),
        *(DynamoDBBackend.create_table, DynamoDBBackend.update_item),
        DynamoDBBackend.transact_write_items,
    )
    source = "".join(getsource(part) for part in parts)
    assert sha256(source.encode()).hexdigest()[:16] == "9b4f0b18f3fba73e", (
        f"moto {version('moto')} has changed what local/moto/ replaces: compare it with"
        " the version before, adapt that module if need be, then put the new digest here"
    )


def test_sorted_tables_respond_as_moto_s_own(
    pair: tuple[Clients, Clients], template: Template
) -> None:
    """Also after refused writes."""
    rng = random.Random(1)
    table = template.resources["ExecutionsTable"].name
    for _ in range(150):
        operation, request = write(rng, table)
        plain, ours = (answer(clients, operation, request) for clients in pair)
        assert ours == plain, (operation, request)
    for _ in range(80):
        operation, request = question(rng, table)
        plain, ours = (answer(clients, operation, request) for clients in pair)
        assert ours == plain, (operation, request)
