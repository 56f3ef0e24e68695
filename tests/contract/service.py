"""The real template served on this machine with a random data set, called over real HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx

from local.log import Log
from local.stack import Stack
from local.store.provision import make_table
from tests.support.command import Finished, run
from tests.support.generator import Member, write_dataset
from tests.support.openapi import check_response
from tests.support.oracle import Caller, Oracle, parse
from usagectl.loading.loader import Loader

PATH = "/workspaces/usage"
SEED = 1
ORIGIN = "https://app.example.com"
"""The origin whose pages the restricted service lets in."""


@dataclass
class Clock:
    """A clock, in seconds, that stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """The service's answer to a request; the body is parsed."""

    status: int
    headers: httpx.Headers
    body: Any

    @property
    def hit(self) -> bool:
        """Whether the answer came from the cache."""
        return self.headers["X-Cache"] == "Hit"


def checking_client() -> httpx.Client:
    """Returns an HTTP client that fails if a response is not one that the API describes."""
    return httpx.Client(timeout=300, event_hooks={"response": [check_response]})


@dataclass
class Service:
    """A running stack, an oracle for the data set in it, and an HTTP client.

    Attributes:
        clock: the time of the cache.
        members: the data set's members.
        folder: the data set's folder.
        client: fails if a response is not one that ``openapi.json`` describes.
    """

    stack: Stack
    clock: Clock
    oracle: Oracle
    members: tuple[Member, ...]
    folder: Path
    client: httpx.Client = field(default_factory=checking_client)

    def load(self) -> None:
        """Loads the data set."""
        assert Loader(self.stack.resources).load(self.folder).rejected == 0

    def repair(self) -> None:
        """Makes again what a test has deleted: tables, buckets and parameters."""
        template, clients = self.stack.template, self.stack.clients
        for table in template.of_type("AWS::DynamoDB::Table"):
            make_table(table, clients.dynamodb)
        for bucket in template.of_type("AWS::S3::Bucket"):
            clients.s3.create_bucket(Bucket=bucket.name)
        for parameter in template.of_type("AWS::SSM::Parameter"):
            value = str(parameter.properties["Value"])
            clients.ssm.put_parameter(Name=parameter.name, Value=value, Overwrite=True)
        self.load()

    def remove_dead_letters(self) -> None:
        """Removes the messages of events that were given up."""
        queue, sqs = self.stack.template.resources["DeadLetterQueue"].ref, self.stack.clients.sqs
        while messages := sqs.receive_message(QueueUrl=queue).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def name(self, logical_id: str) -> str:
        """Returns the name of a resource, such as a table."""
        return self.stack.template.resources[logical_id].name

    def command(self, *arguments: str, typed: str = "") -> Finished:
        """Runs a command of usagectl on the stack, while a person types something."""
        return run("--endpoint", self.stack.url, *arguments, typed=typed)

    def said(self, *arguments: str) -> str:
        """Runs a command that succeeds, and returns what it printed."""
        finished = self.command(*arguments)
        assert finished.code == 0, finished
        return finished.out

    def ask(
        self,
        member: Member | None = None,
        query: Mapping[str, str] | list[tuple[str, str]] | str | None = None,
        *,
        headers: dict[str, str] | None = None,
        path: str = PATH,
        method: str = "GET",
    ) -> Answer:
        """Sends a request and returns the answer.

        Args:
            member: whose token and workspace the request has, or None for neither.
            query: the parameters, or the query string as it is.
            headers: more headers, or other values for the member's; "" leaves a header out.
            path: the request's path.
            method: the request's method.
        """
        sent = {}
        if member is not None:
            sent["Authorization"] = f"Bearer {member.token}"
            sent["x-workspace-id"] = str(member.workspace_id)
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value != ""}
        if query is not None and not isinstance(query, str):
            query = urlencode(list(query.items()) if isinstance(query, Mapping) else query)
        url = f"{self.stack.url}{path}" + (f"?{query}" if query else "")
        response = self.client.request(method, url, headers=sent)
        assert response.headers["Content-Type"] == "application/json"
        return Answer(response.status_code, response.headers, parse(response.content))

    def expected(self, member: Member, query: dict[str, str]) -> tuple[int, Any]:
        """Returns the status and the body that the oracle expects now, or the fields of a 422."""
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        return self.oracle.answer(caller, query, datetime.now(UTC))

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Stores an item, which is DynamoDB JSON, in the table that has a logical id."""
        self.stack.clients.dynamodb.put_item(TableName=self.name(table), Item=item)

    def put_token(self, number: int, secret: str, user_id: int = 1, **fields: Any) -> str:
        """Stores a token, and returns its plain text."""
        self.put(
            "AccessTokensTable",
            {
                "token_id": {"N": str(number)},
                "tokenable_type": {"S": "App\\Models\\User"},
                "tokenable_id": {"N": str(user_id)},
                "token_hash": {"S": sha256(secret.encode()).hexdigest()},
                "abilities": {"L": [{"S": "use_agents"}]},
                **fields,
            },
        )
        return f"{number}|{secret}"


@contextmanager
def deployed(
    folder: Path, *, rows: int = 800, seed: int = SEED, log: Log | None = None, **parameters: str
) -> Iterator[Service]:
    """Yields a running service that has a random data set.

    Args:
        folder: an empty folder.
        rows: how many rows the data set has.
        seed: of the data set.
        log: takes what happens.
        parameters: the stack's parameters.
    """
    zone = ZoneInfo(parameters.get("TimeZone", "UTC"))
    members = write_dataset(folder, seed, datetime.now(UTC), zone, rows)
    clock = Clock()
    with Stack.start(parameters=parameters, clock=clock, log=log) as stack:
        service = Service(stack, clock, Oracle(folder, zone), members, folder)
        service.load()
        yield service
        service.client.close()
