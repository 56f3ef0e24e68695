"""The document's examples: requests, and what the demo's stack really answers to them.

The demo is that of a fixed moment, and requests name their days. So the answers are the same
whenever they are asked for.
"""

import json
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode

from local.data.demo import ANA, BO, CY, DEE, EVE, DemoAccount, write_demo
from local.stack import Stack
from usagectl.loading.loader import Loader

DEMO_MOMENT: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""The moment of the demo that the examples are about."""

_TIMEOUT_SECONDS: Final = 60
_LISTING: Final = "GET /workspaces/usage"
_SUMMARY: Final = "GET /workspaces/usage/summary"
START_EXPORT: Final = "POST /workspaces/usage/exports"
GET_EXPORT: Final = "GET /workspaces/usage/exports/{id}"


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """A request whose answer is an example, or has values that are.

    Attributes:
        name: its name in the document.
        summary: what it shows.
        route: its method and its path, as the document has them.
        query: its query parameters.
        account: whose token and workspace it has.
        headers: more headers, or others than the account's.
        path_parameters: the parameters in its path.
        body: its body, which is sent as JSON, or None if it has none.
        note: what a reader of the example must know besides, as a sentence.
    """

    name: str
    summary: str
    route: str
    query: Mapping[str, str] = field(default_factory=dict)
    account: DemoAccount = ANA
    headers: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    note: str = ""

    @property
    def method(self) -> str:
        """The method."""
        return self.route.partition(" ")[0]

    @property
    def target(self) -> str:
        """The path with the query string."""
        path = self.route.partition(" ")[2].format(**self.path_parameters)
        return f"{path}?{urlencode(self.query, safe=',')}" if self.query else path

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers that are sent."""
        return {
            "Authorization": f"Bearer {self.account.token}",
            "x-workspace-id": str(self.account.workspace_id),
            **({} if self.body is None else {"Content-Type": "application/json"}),
            **self.headers,
        }


@dataclass(frozen=True, slots=True)
class ExampleAnswer:
    """The answer to a request: its status and its body, parsed."""

    request: ExampleRequest
    status: int
    body: Any


_ONE_DAY: Final = {"start_date": "2026-11-20", "end_date": "2026-11-20"}
FIVE_DAYS: Final = {"start_date": "2026-11-20", "end_date": "2026-11-24"}

SHOWN: Final = (
    ExampleRequest("firstPage", "The first page of a day", _LISTING, {**_ONE_DAY, "per_page": "2"}),
    ExampleRequest(
        "nextPage",
        "The next page, by the cursor of the first",
        _LISTING,
        {
            **_ONE_DAY,
            "per_page": "2",
            "cursor": "MjAyNi0xMS0yMFQxOTo1NDowMS40NTUxNzBaIzAjMTMxMg",
        },
    ),
    ExampleRequest(
        "images",
        "The last of three pages with images",
        _LISTING,
        {
            "start_date": "2026-11-24",
            "end_date": "2026-11-24",
            "type": "image",
            "per_page": "2",
            "page": "3",
        },
    ),
    ExampleRequest(
        "days",
        "Two days, without groups",
        _SUMMARY,
        {"start_date": "2026-11-23", "end_date": "2026-11-24"},
    ),
    ExampleRequest(
        "usersAndModels",
        "Five days by user and model",
        _SUMMARY,
        {**FIVE_DAYS, "interval": "none", "group_by": "user,model", "limit": "2"},
    ),
    ExampleRequest("expiredToken", "An expired token", _LISTING, account=EVE),
    ExampleRequest("abilityMissing", "A token without the ability", _LISTING, account=CY),
    ExampleRequest(
        "notAMember",
        "Not a member",
        _LISTING,
        account=DEE,
        headers={"x-workspace-id": str(ANA.workspace_id)},
    ),
    ExampleRequest(
        "someoneElse",
        "Someone else's executions; the answer is in Portuguese",
        _LISTING,
        {"user_id": "1"},
        BO,
        {"Accept-Language": "pt-BR"},
    ),
    ExampleRequest(
        "workspaceId",
        "A workspace id that is not in its plain form",
        _LISTING,
        headers={"x-workspace-id": "011"},
    ),
    ExampleRequest("twoParameters", "Two errors", _LISTING, {"type": "Chat", "per_page": "1000"}),
    ExampleRequest("oneDate", "One date without the other", _LISTING, {"end_date": "2026-11-24"}),
    ExampleRequest(
        "groups", "An unknown group, of the summary", _SUMMARY, {"group_by": "user,agents"}
    ),
    ExampleRequest("formatMissing", "A body without a format", START_EXPORT, body={"range": "7d"}),
    ExampleRequest("noObject", "A body that is not a JSON object", START_EXPORT, body=["csv"]),
    ExampleRequest("unknownPath", "An unknown path", "GET /workspaces"),
    ExampleRequest(
        "unknownExport",
        "An unknown id",
        GET_EXPORT,
        path_parameters={"id": "00000000000000000000000000000000"},
    ),
)
"""Requests whose answers the document shows, in its order. More are in ``export_examples``."""

SAMPLED: Final = (
    ExampleRequest("", "", _LISTING, FIVE_DAYS),
    *(
        ExampleRequest("", "", _SUMMARY, {**FIVE_DAYS, "group_by": dimensions})
        for dimensions in ("user,type", "model,agent", "origin,source", "status,user")
    ),
)
"""Requests of whose answers the document shows single values, as examples of fields."""


@contextmanager
def demo_stack() -> Iterator[Stack]:
    """Yields a running stack with the demo of the examples' moment."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder), DEMO_MOMENT)
        with Stack.start(load=lambda resources: Loader(resources).load(Path(folder))) as stack:
            yield stack


def answers_of(url: str) -> Callable[[ExampleRequest], ExampleAnswer]:
    """Returns what asks the stack at ``url`` and returns its answer."""

    def ask(request: ExampleRequest) -> ExampleAnswer:
        sent = urllib.request.Request(  # noqa: S310 - the stack's own URL
            f"{url}{request.target}",
            data=None if request.body is None else json.dumps(request.body).encode(),
            headers=request.all_headers,
            method=request.method,
        )
        try:
            with urllib.request.urlopen(sent, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
                return ExampleAnswer(request, response.status, json.load(response))
        except HTTPError as error:
            with error:
                return ExampleAnswer(request, error.code, json.load(error))

    return ask
