"""A service of AWS gets its time and its tries, and whatever fails is one kind of failure."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import exceptions, xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

from workspace_usage.aws import clients
from workspace_usage.aws import credentials as aws_credentials
from workspace_usage.aws.clients import dynamodb_client, retry_call, sqs_client
from workspace_usage.aws.credentials import current_credentials
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.session import botocore_session
from workspace_usage.errors import StoreUnavailable

CLIENTS = [dynamodb_client, sqs_client]


@pytest.fixture(autouse=True)
def an_environment_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    forget()
    yield
    forget()


def forget() -> None:
    botocore_session.cache_clear()
    clients._client.cache_clear()


@pytest.fixture
def some_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


# Limits


@pytest.mark.parametrize("make_client", CLIENTS)
def test_a_call_gets_a_second_to_connect_and_three_to_answer(
    make_client: Callable[[], Any],
) -> None:
    config = make_client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 3)


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("make_client", CLIENTS)
@pytest.mark.usefixtures("some_credentials")
def test_a_call_is_tried_three_times_in_all(
    make_client: Callable[[], Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "dynamodb": ("GetItem", {"TableName": "table", "Key": {"id": {"N": "1"}}}),
        "sqs": ("SendMessage", {"QueueUrl": "https://queue", "MessageBody": "message"}),
    }
    operation, parameters = calls[client.meta.service_model.service_name]
    tries = failing_attempts(monkeypatch, operation, status)
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        getattr(client, xform_name(operation))(**parameters)
    assert len(tries) == 3


def failing_attempts(monkeypatch: pytest.MonkeyPatch, operation: str, status: int) -> list[str]:
    """Has all attempts of an operation fail from now on; the list grows by one for each.

    Other operations are left alone: a stack that other tests share polls its queues meanwhile.
    """
    tries: list[str] = []
    send = URLLib3Session.send

    def answer(session: URLLib3Session, request: Any) -> AWSResponse:
        target = request.headers.get("X-Amz-Target", b"").decode().partition(".")[2]
        if target != operation:
            return send(session, request)
        tries.append(target)
        return in_trouble(request.url, status)

    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(URLLib3Session, "send", answer)
    return tries


def in_trouble(url: str, status: int) -> AWSResponse:
    """What a service in trouble answers: a status, and nothing that could be read."""
    raw = HTTPResponse(BytesIO(b"<html>trouble</html>"), preload_content=False)
    return AWSResponse(url, status, HTTPHeaders(), raw)


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "ssm", "events"])
def test_services_whose_answers_are_checked_speak_json(service: str) -> None:
    """A botocore that speaks something else with them would have every answer refused."""
    assert clients._client(service, 1).meta.service_model.resolved_protocol == "json"


# Failures


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InternalServerError",
        "ExpiredTokenException",
    ],
)
def test_a_refused_call_is_the_store_s_failure_and_names_what_failed(code: str) -> None:
    failure = exceptions.ClientError({"Error": {"Code": code, "Message": "secret"}}, "Query")
    with (
        pytest.raises(StoreUnavailable, match=f"^Query failed: {code}$") as caught,
        aws_errors_as_unavailable(),
    ):
        raise failure
    assert caught.value.__cause__ is failure


def test_a_refusal_without_a_code_is_a_failure_too() -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"^Query failed: unknown$"),
        aws_errors_as_unavailable(),
    ):
        raise exceptions.ClientError({}, "Query")


@pytest.mark.parametrize(
    "failure",
    [
        exceptions.ConnectTimeoutError(endpoint_url="https://x"),
        exceptions.ReadTimeoutError(endpoint_url="https://x"),
        exceptions.EndpointConnectionError(endpoint_url="https://x"),
        exceptions.ConnectionClosedError(endpoint_url="https://x"),
        exceptions.HTTPClientError(error="x"),
        exceptions.NoCredentialsError(),
        exceptions.ResponseStreamingError(error="x"),
    ],
)
def test_a_call_without_an_answer_is_the_store_s_failure(failure: Exception) -> None:
    name = type(failure).__name__
    with pytest.raises(StoreUnavailable, match=f": {name}$") as caught, aws_errors_as_unavailable():
        raise failure
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize("failure", [KeyError("x"), ValueError("x"), ZeroDivisionError()])
def test_a_mistake_of_ours_is_not_the_store_s_failure(failure: Exception) -> None:
    with pytest.raises(type(failure)), aws_errors_as_unavailable():
        raise failure


# Calls whose first attempt was made elsewhere


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("dynamodb", "GetItem", {"TableName": "table", "Key": {"id": {"N": "1"}}}),
        ("dynamodb", "Query", {"TableName": "table", "KeyConditionExpression": "id = :id"}),
        ("ssm", "GetParameter", {"Name": "parameter"}),
    ],
)
@pytest.mark.usefixtures("some_credentials")
def test_what_was_tried_once_is_tried_twice_more(
    service: str, operation: str, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = failing_attempts(monkeypatch, operation, 500)
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        retry_call(service, operation, request_)
    assert len(tries) == 2


# Credentials


@pytest.mark.usefixtures("some_credentials")
def test_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_credentials() == aws_credentials.Credentials("id", "secret", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert current_credentials() == aws_credentials.Credentials("id", "secret", "token")


def test_credentials_that_are_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\naws_session_token = c\n"
    )
    assert current_credentials() == aws_credentials.Credentials("a", "b", "c")


def test_without_credentials_nothing_can_be_signed() -> None:
    with pytest.raises(StoreUnavailable, match="no AWS credentials"):
        current_credentials()


def test_credentials_that_can_not_be_renewed_are_the_store_s_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stale(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            raise exceptions.CredentialRetrievalError(provider="role", error_msg="expired")

    stale = Stale("id", "secret")
    monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda _: stale)
    with pytest.raises(StoreUnavailable, match="CredentialRetrievalError"):
        current_credentials()
