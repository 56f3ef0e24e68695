"""The real template's stack on this machine, with a random data set, and its HTTP client."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from local.stack import Stack
from tests.support.generator import Member, write_dataset
from tests.support.oracle import Caller, Oracle, parse
from usagectl.loading.loader import Loader

PATH = "/workspaces/usage"
SEED = 1


@dataclass
class Clock:
    """A clock that stands still until it is moved; in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, and the parsed body."""

    status: int
    headers: httpx.Headers
    body: Any

    @property
    def hit(self) -> bool:
        """Whether the cache answered."""
        return self.headers["X-Cache"] == "Hit"


@dataclass
class Service:
    """A running stack, the data set in it, and a client."""

    stack: Stack
    clock: Clock
    oracle: Oracle
    members: tuple[Member, ...]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=300))

    def ask(
        self,
        member: Member | None = None,
        query: Mapping[str, str] | list[tuple[str, str]] | str | None = None,
        *,
        headers: dict[str, str] | None = None,
        path: str = PATH,
        method: str = "GET",
    ) -> Answer:
        """Asks as ``member``, with ``headers`` added or put in place of theirs ("": left out)."""
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
        """The oracle's answer, as of now."""
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        return self.oracle.answer(caller, query, datetime.now(UTC))

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Stores an item, in DynamoDB JSON, in the table with a logical id."""
        name = self.stack.template.resources[table].name
        self.stack.clients.dynamodb.put_item(TableName=name, Item=item)

    def put_token(self, number: int, secret: str, user_id: int = 1, **fields: Any) -> str:
        """Stores a token and returns it in its plain form."""
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


def start(folder: Path, seed: int = SEED, **parameters: str) -> Iterator[Service]:
    """A service with a random data set."""
    members = write_dataset(folder, seed, datetime.now(UTC))
    clock = Clock()
    with Stack.start(parameters=parameters, clock=clock) as stack:
        report = Loader(stack.resources).load(folder)
        assert report.rejected == 0
        service = Service(stack, clock, Oracle(folder), members)
        yield service
        service.client.close()
