"""What usagectl makes of an address at which something else than the local stack answers."""

import json
import socket
from contextlib import AbstractContextManager
from dataclasses import replace
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.http_server import serving
from usagectl.errors import CommandError
from usagectl.lookup import local_stack
from usagectl.service_check import Caller, check_listing

OUTPUTS = {"DaysTimeZone": "UTC"}
ENDPOINTS = {"dynamodb": "http://127.0.0.1:1"}


def content_served(content: bytes) -> AbstractContextManager[str]:
    """Serves the same content for every path, and gives the URL."""
    return serving(lambda *_: (200, content))


def test_what_does_not_describe_a_stack_is_not_the_local_stack() -> None:
    """The sentence names the address, and what would start a local stack."""
    contents = [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"{}",
        *(
            json.dumps({"outputs": outputs, "endpoints": endpoints}).encode()
            for outputs, endpoints in (
                ([], ENDPOINTS),
                ({"DaysTimeZone": 1}, ENDPOINTS),
                (OUTPUTS, []),
                (OUTPUTS, {"dynamodb": None}),
                (OUTPUTS, {"dynamodb": "nowhere"}),
                # It must not be taken for a stack in AWS.
                (OUTPUTS, {}),
            )
        ),
    ]
    for content in contents:
        with content_served(content) as address, pytest.raises(CommandError) as error:
            local_stack(address)
        assert str(error.value) == f"No local stack answers at {address}; make run starts one."


def test_what_is_not_http_is_not_the_local_stack() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = Thread(target=_answer_nonsense, args=(server,))
        thread.start()
        with pytest.raises(CommandError, match="No local stack answers at"):
            local_stack(address)
        thread.join()


def _answer_nonsense(server: socket.socket) -> None:
    """Answers one client with something that is not HTTP."""
    client, _ = server.accept()
    with client:
        client.recv(65_536)
        client.sendall(b"nonsense\r\n\r\n")


def test_a_description_of_a_stack_is_taken_as_it_is() -> None:
    """Outputs, and where services answer; a service that isn't named there is not looked for."""
    content = json.dumps({"outputs": OUTPUTS, "endpoints": ENDPOINTS}).encode()
    with content_served(content) as address:
        deployment = local_stack(f"{address}/")
    assert deployment.is_local
    assert deployment.url == f"{address}/workspaces/usage"
    assert deployment.output("DaysTimeZone") == "UTC"
    assert deployment.dynamodb.meta.endpoint_url == ENDPOINTS["dynamodb"]
    with pytest.raises(CommandError, match=r"^The local stack has no sqs service\.$"):
        _ = deployment.sqs
    with pytest.raises(CommandError, match="has no output ExecutionsTableName: deploy the current"):
        _ = deployment.resources


def test_the_local_stack_is_reached_without_the_environment_s_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing listens at the proxy here. One of a company would not find this machine's stack."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    description = json.dumps({"outputs": OUTPUTS, "endpoints": ENDPOINTS}).encode()
    with content_served(description) as address:
        client = local_stack(address).dynamodb
    config: Any = client.meta.config
    assert config.proxies == {}, "botocore would take the environment's"
    with content_served(b'{"items": []}') as address:
        assert check_listing(address, Caller("token", 1)) == "200, rows: 0"


def test_a_time_zone_that_is_not_known_here_is_named() -> None:
    """Rather than a stack trace: the machine's time zones may be older than the deployment's."""
    names = ("Executions", "ArchivedExecutions", "EditedChats", "AccessTokens", "Memberships")
    outputs = {
        **{f"{name}TableName": name for name in (*names, "Rollups")},
        "CountQueueUrl": "http://127.0.0.1:1/counts",
        "MediaBucketName": "media",
        "MinDateParameterName": "min-date",
        "DaysTimeZone": "America/Lima",
    }
    endpoints = dict.fromkeys(("dynamodb", "s3", "sqs", "ssm"), "http://127.0.0.1:1")
    content = json.dumps({"outputs": outputs, "endpoints": endpoints}).encode()
    with content_served(content) as address:
        deployment = local_stack(address)
    assert deployment.resources.zone == ZoneInfo("America/Lima")
    for zone in ("../UTC", "Nowhere/Nowhere", "America"):
        other = replace(deployment, outputs=outputs | {"DaysTimeZone": zone})
        with pytest.raises(CommandError, match=f"has the time zone '{zone}', which this machine"):
            _ = other.resources
