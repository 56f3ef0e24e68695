"""A stack starts as a whole or not at all, answers whatever its functions do, and leaves nothing.

Linux's /proc tells what is left.
"""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from local.errors import StartError, TemplateError
from local.events.mapping import event_source_mappings
from local.exchange import Request, Response
from local.functions.invocation import Result
from local.server import Server
from local.stack import TEMPLATE, Stack, resources_of
from local.store.clients import Clients, Endpoints
from local.template.expand import expand
from tests.support.local_functions import wait_until
from tests.support.local_processes import children, started_since, threads
from usagectl.resources import Resources

pytestmark = [
    pytest.mark.xdist_group("local-stack"),
    pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc"),
]

PATH = "/workspaces/usage"
UNAVAILABLE = {"message": "The service is unavailable at the moment. Please try again shortly."}


@contextmanager
def nothing_left() -> Iterator[None]:
    """Checks that no process is left afterwards, and no thread unless others may start some.

    A stack that was there before starts processes and threads when its queues have messages.
    """
    processes, running = children(), threads()
    yield
    wait_until(lambda: not started_since(processes))
    if not any(processes.values()):
        wait_until(lambda: threads() <= running)


def refusal(
    template: Path = TEMPLATE,
    *,
    port: int = 0,
    dynamodb: str | None = None,
    kind: type[StartError] = StartError,
    **parameters: str,
) -> str:
    """The error with which the stack does not start; nothing of it is left."""
    with nothing_left(), pytest.raises(StartError) as raised:
        Stack.start(template, parameters, port=port, dynamodb_endpoint=dynamodb)
    assert type(raised.value) is kind
    sentence = str(raised.value)
    assert "\n" not in sentence
    return sentence


def free_port() -> int:
    """A free port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    return port


def copy(folder: Path, *changes: tuple[str, str]) -> Path:
    """The project's template with changes, and with its functions' folders."""
    text = TEMPLATE.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "template.yaml").write_text(text, "utf-8")
    for path in (TEMPLATE.parent / "functions").glob("*/app.py"):
        copied = folder / "functions" / path.parent.name / "app.py"
        copied.parent.mkdir(parents=True)
        copied.write_text("", "utf-8")
    return folder / "template.yaml"


# --- Its end --------------------------------------------------------------------------------------


def test_a_stack_that_is_stopped_leaves_no_process_and_frees_its_port() -> None:
    """Even if a client is still connected. Stopping it again does nothing.

    During loading, nobody can connect.
    """
    before, port = children(), free_port()
    tables = []

    def load(place: Resources) -> None:
        tables.extend(place.dynamodb.list_tables()["TableNames"])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    with nothing_left(), httpx.Client(timeout=300) as client:
        stack = Stack.start(port=port, load=load)
        assert tables
        assert stack.url == f"http://127.0.0.1:{port}"
        response = client.get(f"{stack.url}{PATH}")
        # The store, the authorizer, and the function, which was warmed up without a request.
        assert len(started_since(before)) >= 3
        stack.stop()
        assert not started_since(before)
        socket.create_server(("127.0.0.1", port)).close()
        stack.stop()
    assert response.status_code in {401, 422}
    assert response.headers["Content-Type"] == "application/json"


# --- What is in its way ---------------------------------------------------------------------------


def test_a_template_that_can_t_be_used_starts_nothing(tmp_path: Path) -> None:
    """It is missing, is not a template, has an unknown reference, or lacks a parameter."""
    path = tmp_path / "template.yaml"
    assert f"{path} can't be read" in refusal(path, kind=TemplateError)
    path.write_text("a: [", "utf-8")
    assert "is not YAML" in refusal(path, kind=TemplateError)
    path.write_text("Resources: {A: {Type: Custom::A, Properties: {B: !Ref C}}}", "utf-8")
    assert "refers to C," in refusal(path, kind=TemplateError)
    assert refusal(StageName="a-b", kind=TemplateError).startswith("StageName must be")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Path: /workspaces/usage", "Path: /workspaces/a{id}", "has to be a whole segment"),
        ("CodeUri: functions/usage", "CodeUri: functions/other", "there is no folder"),
    ],
)
def test_a_template_with_an_unsupported_feature_starts_nothing(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    """And the store has stopped, too."""
    assert sentence in refusal(copy(tmp_path, (old, new)), kind=TemplateError)


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    """CloudFormation would accept the text."""
    template = expand(TEMPLATE, {"TimeZone": "Mars/Olympus"})
    with pytest.raises(TemplateError, match=r"^TimeZone: there is no time zone Mars/Olympus$"):
        resources_of(template, Clients.at(Endpoints.all_at("http://127.0.0.1:1")))


def test_each_queue_leads_to_its_function() -> None:
    """Events go to the recorder, workspaces to the counter, exports to the exporter."""
    template = expand(TEMPLATE, {})
    invoke_by_name = {
        function.name: partial(_answer, function.logical_id)
        for function in template.of_type("AWS::Lambda::Function")
    }
    found = {
        mapping.queue_url: mapping.invoke(b"", 1.0).payload
        for mapping in event_source_mappings(template, invoke_by_name)
    }
    assert found == {
        template.resources["EventQueue"].ref: b"RecorderFunction",
        template.resources["AccessEventQueue"].ref: b"RecorderFunction",
        template.resources["CountQueue"].ref: b"CounterFunction",
        template.resources["ExportsQueue"].ref: b"ExporterFunction",
    }


def _answer(function: str, _: bytes, __: float) -> Result:
    return Result(function.encode())


def test_with_a_port_in_use_nothing_starts() -> None:
    """The error names the port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        assert refusal(port=port).startswith(f"port {port} of 127.0.0.1 can't be used: ")


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "http://", "http://a b", "http://[::1", "http://localhost:99999"],
)
def test_with_a_dynamodb_endpoint_that_is_not_a_url_nothing_starts(url: str) -> None:
    """The error names the variable and its value."""
    sentence = refusal(dynamodb=url)
    assert sentence.startswith("DYNAMODB_ENDPOINT has to be a URL")
    assert sentence.endswith(f"not {url!r}")


def test_if_dynamodb_does_not_respond_nothing_is_left() -> None:
    """The functions that had been started are stopped. The error names the store's address."""
    url = f"http://127.0.0.1:{free_port()}"
    assert refusal(dynamodb=url).startswith(f"the store at {url} can't be used: ")


def test_if_another_server_is_at_dynamodb_s_address_nothing_is_left() -> None:
    """It answers 404."""

    def respond(_: Request) -> Response:
        return Response(404, (), b"nothing")

    with nothing_left():
        other = Server(0)
        other.start(respond, lambda request, _: respond(request))
        with pytest.raises(StartError, match=f"^the store at {other.url} can't be used: "):
            Stack.start(dynamodb_endpoint=other.url)
        other.close_connections()
        other.close()


# --- Functions that fail --------------------------------------------------------------------------

AUTHORIZER = """
    import os
    from pathlib import Path

    if Path("broken").exists():
        raise LookupError("broken")

    def lambda_handler(event, context):
        wish = (event["queryStringParameters"] or {}).get("range")
        if wish == "crash":
            os._exit(1)
        if wish == "nonsense":
            return "Allow"
        statement = {
            "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]
        }
        return {"principalId": "1", "policyDocument": {"Statement": [statement]}}
"""
USAGE = """
    import os
    import time

    def lambda_handler(event, context):
        wish = (event["queryStringParameters"] or {}).get("type")
        if wish == "crash":
            os._exit(1)
        if wish == "hang":
            time.sleep(600)
        if wish == "raise":
            raise LookupError("no luck")
        if wish == "unserializable":
            return object()
        if wish == "nothing":
            return None
        if wish == "large":
            return {"statusCode": 200, "body": "x" * 6_291_556}
        if wish == "split":
            return {"statusCode": 200, "headers": {"A": "b\\r\\nC: d"}}
        return {"statusCode": 200, "body": "{}"}
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Stack]]:
    """The project's API with functions that can be made to fail, and their folder."""
    folder = tmp_path_factory.mktemp("failing")
    template = copy(folder, ("Timeout: 20", "Timeout: 2"))
    for name, source in (("authorizer", AUTHORIZER), ("usage", USAGE)):
        (folder / "functions" / name / "app.py").write_text(dedent(source), "utf-8")
    with nothing_left(), Stack.start(template) as stack:
        yield folder / "functions", stack


def assert_unavailable(stack: Stack, query: str = "") -> None:
    """Asserts that the response is the contract's 503."""
    response = httpx.get(f"{stack.url}{PATH}?{query}", timeout=300)
    assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Retry-After"] == "5"


def assert_available(stack: Stack) -> None:
    """Asserts that the function answers a normal request."""
    response = httpx.get(f"{stack.url}{PATH}", timeout=300)
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize(
    "wish",
    [
        "type=crash",
        "type=hang",
        "type=raise",
        "type=unserializable",
        "type=nothing",
        "type=large",
        "type=split",
        "range=crash",
        "range=nonsense",
    ],
)
def test_a_function_that_fails_is_503_and_the_next_request_succeeds(
    failing: tuple[Path, Stack], wish: str
) -> None:
    """With the contract's JSON. Nothing is cached."""
    _, stack = failing
    assert_unavailable(stack, wish)
    if wish != "type=hang":
        assert_unavailable(stack, wish)
    assert_available(stack)


def test_a_function_that_can_t_be_imported_is_503_until_it_is_fixed(
    failing: tuple[Path, Stack],
) -> None:
    """The stack need not be started again."""
    functions, stack = failing
    (functions / "authorizer" / "broken").touch()
    for _ in range(2):
        assert_unavailable(stack, "range=crash")
    assert_unavailable(stack)
    (functions / "authorizer" / "broken").unlink()
    assert_available(stack)


def test_functions_can_be_invoked_without_the_gateway(failing: tuple[Path, Stack]) -> None:
    """With the Invoke API, which returns the error."""
    _, stack = failing
    url = f"{stack.url}/2015-03-31/functions/UsageFunction/invocations"
    event = {"queryStringParameters": {"type": "raise"}}
    response = httpx.post(url, content=json.dumps(event), timeout=300)
    assert response.status_code == 200
    assert response.headers["X-Amz-Function-Error"] == "Unhandled"
    assert response.json()["errorType"] == "LookupError"
    # More than the server reads, for whatever path, and more than Lambda takes.
    for size in (11_000_000, 7_000_000):
        response = httpx.post(url, content=bytes(size), timeout=300)
        assert response.status_code == 413
        assert response.headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    for sent in (b"NaN", b"\xff", b"[" * 100_000, b"{'a': 1}"):
        response = httpx.post(url, content=sent, timeout=300)
        assert response.status_code == 400
        assert response.headers["x-amzn-ErrorType"] == "InvalidRequestContentException"
