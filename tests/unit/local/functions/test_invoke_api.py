"""Lambda's Invoke API: a function has several names, and its errors are marked."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from local.exchange import Request, Response
from local.functions.function import Function
from local.functions.invocation import MAX_EVENT_BYTES
from local.functions.invoke_api import InvokeApi
from tests.support.local_functions import write_function

FUNCTIONS_PATH = "/2015-03-31/functions/"
"""As clients of Lambda send it."""

SOURCE = """
import os

def handle(event, context):
    if event == "fail":
        raise LookupError("no luck")
    if event == "crash":
        os._exit(1)
    return {"name": context.function_name, "event": event}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InvokeApi]:
    """An Invoke API with two functions."""
    folder: Path = tmp_path_factory.mktemp("functions")
    functions = [
        Function(write_function(folder / name, SOURCE, name=name), lambda _: None)
        for name in ("First", "Second")
    ]
    yield InvokeApi(functions)
    for function in functions:
        function.close()


def post(api: InvokeApi, name: str, content: str | bytes, *headers: tuple[str, str]) -> Response:
    """The API's response to an invocation."""
    if isinstance(content, str):
        content = content.encode()
    path = f"{FUNCTIONS_PATH}{name}/invocations"
    return api.handle(Request("POST", path, headers=headers, content=content))


ARN = "arn:aws:lambda:us-east-1:123456789012:function:stack-First"


@pytest.mark.parametrize("name", ["First", "stack-First", ARN, quote(ARN, safe="")])
def test_a_function_can_be_named_by_its_logical_id_name_or_arn(api: InvokeApi, name: str) -> None:
    """Clients encode the ARN in the path, or don't."""
    response = post(api, name, '{"a": 1}')
    assert response.status == 200
    assert json.loads(response.body) == {"name": "stack-First", "event": {"a": 1}}
    headers = dict(response.headers)
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Amz-Executed-Version"] == "$LATEST"
    assert "X-Amz-Function-Error" not in headers


@pytest.mark.parametrize("name", ["First", "stack-First", ARN])
@pytest.mark.parametrize(
    ("qualifier", "version"), [("live", "1"), ("1", "1"), ("$LATEST", "$LATEST")]
)
def test_a_version_or_an_alias_can_be_invoked(
    api: InvokeApi, name: str, qualifier: str, version: str
) -> None:
    """It is behind the name, in the query, or in both."""
    encoded = quote(qualifier)
    for path, query in (
        (f"{name}:{encoded}", ""),
        (name, f"Qualifier={encoded}"),
        (f"{name}:{encoded}", f"Qualifier={encoded}"),
    ):
        request = Request("POST", f"{FUNCTIONS_PATH}{path}/invocations", query, content=b"1")
        response = api.handle(request)
        assert json.loads(response.body) == {"name": "stack-First", "event": 1}
        assert dict(response.headers)["X-Amz-Executed-Version"] == version


@pytest.mark.parametrize(
    ("path", "query", "missing"),
    [
        ("First:dead", "", "First:dead"),
        ("First", "Qualifier=dead", "First:dead"),
        ("First", "Qualifier=2", "First:2"),
        ("First:live", "Qualifier=1", "First:live:1"),
        ("Third:live", "", "Third:live"),
    ],
)
def test_an_unknown_version_or_alias_is_404(
    api: InvokeApi, path: str, query: str, missing: str
) -> None:
    """Two different ones are, too; Lambda also refuses them."""
    request = Request("POST", f"{FUNCTIONS_PATH}{path}/invocations", query, content=b"1")
    assert refusal(api.handle(request)) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {missing}",
    )


def test_each_function_has_its_own_names(api: InvokeApi) -> None:
    """Another function is never invoked instead."""
    assert json.loads(post(api, "Second", "5").body) == {"name": "stack-Second", "event": 5}


@pytest.mark.parametrize("body", ["", "{}"])
def test_without_a_body_the_event_is_an_empty_object(api: InvokeApi, body: str) -> None:
    """As in Lambda."""
    assert json.loads(post(api, "First", body).body)["event"] == {}


@pytest.mark.parametrize(
    ("event", "kind"), [("fail", "LookupError"), ("crash", "Runtime.ExitError")]
)
def test_the_error_of_a_function_is_200_with_a_header(
    api: InvokeApi, event: str, kind: str
) -> None:
    """The body is the error."""
    response = post(api, "First", json.dumps(event))
    assert response.status == 200
    assert dict(response.headers)["X-Amz-Function-Error"] == "Unhandled"
    assert json.loads(response.body)["errorType"] == kind


def refusal(response: Response) -> tuple[int, str, str]:
    """Status, type and message of an error."""
    headers, body = dict(response.headers), json.loads(response.body)
    assert headers["Content-Type"] == "application/json"
    assert body["Type"] == "User"
    return response.status, headers["x-amzn-ErrorType"], body["Message"]


@pytest.mark.parametrize("name", ["Third", "first", "", f"{ARN}x", "a%20b"])
def test_an_unknown_function_is_404_with_its_name(api: InvokeApi, name: str) -> None:
    """The name is decoded."""
    decoded = name.replace("%20", " ")
    assert refusal(post(api, name, "{}")) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {decoded}",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b"[1,]",
        b" ",
        b"NaN",
        b'"\xff"',
        b"[" * 50_000,
    ],
    ids=lambda body: body[:10],
)
def test_a_body_that_is_not_json_is_400(api: InvokeApi, body: bytes) -> None:
    """The function is not invoked."""
    status, kind, message = refusal(post(api, "First", body))
    assert (status, kind) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")


@pytest.mark.parametrize("event", [b"1" * 5_000, b"-" + b"9" * 4_301], ids=len)
def test_json_that_python_can_t_read_is_an_error_of_the_function_s_runtime(
    api: InvokeApi, event: bytes
) -> None:
    """The runtime reads floats that are out of range as infinity."""
    response = post(api, "First", event)
    assert (response.status, dict(response.headers)["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert json.loads(response.body)["errorType"] == "Runtime.UnmarshalError"
    assert json.loads(post(api, "First", "1e999999999999999999999").body)["event"] == math.inf


def test_an_event_has_a_size_limit(api: InvokeApi) -> None:
    """The size is checked before the JSON."""
    largest = b'"' + b"x" * (MAX_EVENT_BYTES - 2) + b'"'
    assert len(json.loads(post(api, "First", largest).body)["event"]) == MAX_EVENT_BYTES - 2
    for event in (largest + b" ", b"x" * (MAX_EVENT_BYTES + 1)):
        assert refusal(post(api, "First", event)) == (
            413,
            "RequestEntityTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        )


def test_an_asynchronous_invocation_is_refused(api: InvokeApi) -> None:
    """It is not handled as a synchronous one."""
    assert post(api, "First", "1", ("X-Amz-Invocation-Type", "RequestResponse")).status == 200
    for kind in ("Event", "DryRun"):
        assert refusal(post(api, "First", "1", ("x-amz-invocation-type", kind))) == (
            400,
            "InvalidParameterValueException",
            "Only RequestResponse is served here",
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{FUNCTIONS_PATH}First/invocations"),
        ("PUT", f"{FUNCTIONS_PATH}First/invocations"),
        ("POST", f"{FUNCTIONS_PATH}First"),
        ("POST", FUNCTIONS_PATH),
        ("POST", f"{FUNCTIONS_PATH}First/invocations/"),
        ("GET", f"{FUNCTIONS_PATH}First/configuration"),
    ],
)
def test_nothing_but_an_invocation_is_served(api: InvokeApi, method: str, path: str) -> None:
    """The rest of Lambda's API doesn't exist here."""
    status, kind, _ = refusal(api.handle(Request(method, path, content=b"{}")))
    assert (status, kind) == (404, "ResourceNotFoundException")
