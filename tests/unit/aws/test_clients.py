"""botocore's clients keep the limits: how long a service may take, how often a call is tried."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

from tests.support.functions import ROOT
from workspace_usage.aws import clients
from workspace_usage.aws.clients import dynamodb_client, retry_call, s3_client, sqs_client
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

CLIENTS = [dynamodb_client, sqs_client]

pytestmark = pytest.mark.usefixtures("environment_credentials")


@pytest.mark.parametrize("make_client", CLIENTS)
def test_a_call_gets_one_second_to_connect_and_three_for_the_response(
    make_client: Callable[[], Any],
) -> None:
    config = make_client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 3)


def test_an_upload_gets_more_time_but_ends_before_the_function_does() -> None:
    """A part has several megabytes. All attempts together take less than the exporter's time."""
    config: Any = s3_client().meta.config
    other: Any = dynamodb_client().meta.config
    assert 5 * other.read_timeout < config.read_timeout
    template = (ROOT / "template.yaml").read_text("utf-8")
    exporter = template.partition("  ExporterFunction:\n")[2]
    timeout = int(exporter.partition("Timeout: ")[2].partition("\n")[0])
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < timeout


@pytest.mark.parametrize(("make_client", "status"), [(dynamodb_client, 500), (sqs_client, 503)])
def test_a_call_is_tried_three_times_in_all(
    make_client: Callable[[], Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "dynamodb": ("GetItem", {"TableName": "table", "Key": {"id": {"N": "1"}}}),
        "sqs": ("SendMessage", {"QueueUrl": "https://queue", "MessageBody": "message"}),
    }
    operation, parameters = calls[client.meta.service_model.service_name]
    attempts = fail_all_attempts(monkeypatch, operation, status)
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        getattr(client, xform_name(operation))(**parameters)
    assert len(attempts) == 3


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("dynamodb", "GetItem", {"TableName": "table", "Key": {"id": {"N": "1"}}}),
        ("ssm", "GetParameter", {"Name": "parameter"}),
    ],
)
def test_a_call_that_was_tried_once_elsewhere_is_tried_twice_more(
    service: str, operation: str, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = fail_all_attempts(monkeypatch, operation, 500)
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        retry_call(service, operation, request_)
    assert len(attempts) == 2


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "ssm", "events"])
def test_services_whose_responses_are_validated_speak_json(service: str) -> None:
    """If botocore used another protocol for them, every response would be rejected."""
    assert clients._client(service, 1).meta.service_model.resolved_protocol == "json"


def fail_all_attempts(monkeypatch: pytest.MonkeyPatch, operation: str, status: int) -> list[str]:
    """Makes all attempts of an operation fail from now on; the list grows by one for each.

    Other operations are left alone: a stack that other tests share polls its queues meanwhile.
    """
    attempts: list[str] = []
    send = URLLib3Session.send

    def respond(session: URLLib3Session, request: Any) -> AWSResponse:
        target = request.headers.get("X-Amz-Target", b"").decode().partition(".")[2]
        if target != operation:
            return send(session, request)
        attempts.append(target)
        return failure(request.url, status)

    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(URLLib3Session, "send", respond)
    return attempts


def failure(url: str, status: int) -> AWSResponse:
    """A response of a service in trouble: a status, and a body that isn't JSON."""
    raw = HTTPResponse(BytesIO(b"<html>trouble</html>"), preload_content=False)
    return AWSResponse(url, status, HTTPHeaders(), raw)
