"""Whatever fails in a call to AWS is one kind of failure, which names the cause for the log."""

import pytest
from botocore import exceptions

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable


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
def test_a_call_that_is_refused_makes_the_store_unavailable(code: str) -> None:
    """The reason names the operation and the code, and quotes nothing else of the response."""
    failure = exceptions.ClientError({"Error": {"Code": code, "Message": "secret"}}, "Query")
    with (
        pytest.raises(StoreUnavailable, match=f"^Query failed: {code}$") as caught,
        aws_errors_as_unavailable(),
    ):
        raise failure
    assert caught.value.__cause__ is failure


def test_a_refusal_may_lack_a_code() -> None:
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
def test_a_call_without_a_response_makes_the_store_unavailable(failure: Exception) -> None:
    name = type(failure).__name__
    with pytest.raises(StoreUnavailable, match=f": {name}$") as caught, aws_errors_as_unavailable():
        raise failure
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize("failure", [KeyError("x"), ValueError("x"), ZeroDivisionError()])
def test_a_bug_of_ours_is_not_the_store_s_failure(failure: Exception) -> None:
    with pytest.raises(type(failure)), aws_errors_as_unavailable():
        raise failure
