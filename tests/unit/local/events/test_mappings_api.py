"""Lambda's API for event source mappings: what it supports, and what it refuses."""

import json
from typing import Any

import pytest

from local.events.mapping import EventSourceMapping
from local.events.mappings_api import MappingsApi
from local.events.outcomes import Outcomes
from local.events.poller import QueuePoller
from local.exchange import Request
from local.functions.invocation import Result

ARN = "arn:aws:lambda:us-east-1:123456789012:function:stack-Recorder"

MAPPINGS_PATH = "/2015-03-31/event-source-mappings"
"""As clients of Lambda send it."""


def source(uuid: str) -> QueuePoller:
    """A poller that is not started."""
    mapping = EventSourceMapping(
        uuid=uuid,
        queue_url=uuid,
        queue_arn=f"arn:{uuid}",
        batch_size=5,
        reports_failures=True,
        is_enabled=True,
        function="Recorder",
        function_arn=ARN,
        invoke=lambda *_: Result(b""),
    )
    return QueuePoller(mapping, None, Outcomes(), lambda _: None)  # type: ignore[arg-type]


@pytest.fixture
def api() -> MappingsApi:
    """The API with two mappings."""
    return MappingsApi([source("one"), source("two")])


def ask(
    api: MappingsApi, path: str, content: bytes | None = None, method: str = "GET", query: str = ""
) -> tuple[int, Any]:
    """Status and content of a response; with ``content`` the request is an update."""
    method = method if content is None else "PUT"
    response = api.handle(Request(method, f"{MAPPINGS_PATH}{path}", query, content=content or b""))
    return response.status, json.loads(response.body)


def test_one_mapping_is_paused_and_resumed(api: MappingsApi) -> None:
    """Each response has its state; the other mapping stays as it is."""
    assert ask(api, "/one") == (
        200,
        {
            "UUID": "one",
            "BatchSize": 5,
            "EventSourceArn": "arn:one",
            "FunctionArn": ARN,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "State": "Enabled",
        },
    )
    status, paused = ask(api, "/one", b'{"Enabled": false}')
    assert (status, paused["State"]) == (202, "Disabled")
    assert [ask(api, f"/{uuid}")[1]["State"] for uuid in ("one", "two")] == ["Disabled", "Enabled"]
    assert ask(api, "/one", b'{"Enabled": true}')[1]["State"] == "Enabled"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["one", "two"]),
        ("FunctionName=Recorder", ["one", "two"]),
        ("FunctionName=stack-Recorder&EventSourceArn=arn:two", ["two"]),
        (f"FunctionName={ARN}", ["one", "two"]),
        ("FunctionName=Other", []),
        ("EventSourceArn=arn:three", []),
    ],
)
def test_mappings_are_listed_by_function_and_queue(
    api: MappingsApi, query: str, found: list[str]
) -> None:
    """The path may end with a slash."""
    for path in ("", "/"):
        status, content = ask(api, path, query=query)
        assert status == 200
        assert [each["UUID"] for each in content["EventSourceMappings"]] == found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"Enabled": "true"}',
        b'{"Enabled": 1}',
        b'{"Enabled": false, "BatchSize": 1}',
    ],
)
def test_an_update_of_anything_else_is_refused(api: MappingsApi, content: bytes) -> None:
    """Nothing is changed."""
    assert ask(api, "/one", content)[0] == 400
    assert ask(api, "/one")[1]["State"] == "Enabled"


@pytest.mark.parametrize(
    ("path", "method"), [("/three", "GET"), ("/one/x", "GET"), ("/one", "DELETE"), ("/", "POST")]
)
def test_an_unknown_mapping_or_method_is_404(api: MappingsApi, path: str, method: str) -> None:
    """With Lambda's error."""
    status, content = ask(api, path, method=method)
    assert status == 404
    assert content["Message"]
