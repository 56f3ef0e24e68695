"""A response is valid if it arrived as it was sent, and belongs to the operation."""

import json
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.aws.http1 import Response
from workspace_usage.aws.validation import DamagedResponse, validate_response
from workspace_usage.values import parse_json

ROWS: Mapping[str, Any] = {"Items": [{"id": {"N": "1"}}], "Count": 1}
ERROR: Mapping[str, Any] = {"__type": "com.amazonaws#ConditionalCheckFailedException"}

RESULTS: Mapping[str, Mapping[str, Any]] = {
    "GetItem": {"ConsumedCapacity": {}},
    "PutItem": {"ConsumedCapacity": {}},
    "UpdateItem": {"ConsumedCapacity": {}},
    "DeleteItem": {"ConsumedCapacity": {}},
    "Query": ROWS,
    "Scan": ROWS,
    "BatchWriteItem": {"UnprocessedItems": {}},
    "TransactWriteItems": {"ConsumedCapacity": []},
    "DescribeTable": {"Table": {}},
    "GetParameter": {"Parameter": {"Value": "{}"}},
    "PutParameter": {"Version": 1},
    "SendMessage": {"MessageId": "1"},
    "GetQueueAttributes": {"Attributes": {}},
    "PutEvents": {"Entries": [], "FailedEntryCount": 0},
}


def response_of(body: bytes, status: int = 200, **headers: str | None) -> Response:
    """A response as AWS sends it, but for ``headers``; None leaves a header out."""
    all_headers = {
        "content_length": str(len(body)),
        "x_amz_crc32": str(zlib.crc32(body)),
        **headers,
    }
    named = {
        name.replace("_", "-"): value for name, value in all_headers.items() if value is not None
    }
    return Response(status, named, body)


def validate(
    response: Response,
    operation: str = "Query",
    service: str = "dynamodb",
    request: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Validates a response to a request."""
    return validate_response(service, operation, lambda: request, response)


@pytest.mark.parametrize("operation", RESULTS)
def test_a_result_has_the_members_that_its_callers_rely_on(operation: str) -> None:
    """If one of them is missing, it is damaged."""
    whole = RESULTS[operation]
    assert validate(response_of(json.dumps(whole).encode()), operation) == whole
    for name in whole:
        for damaged in (
            {other: value for other, value in whole.items() if other != name},
            {**whole, name: None},
        ):
            with pytest.raises(DamagedResponse, match=rf"^has no {name}$"):
                validate(response_of(json.dumps(damaged).encode()), operation)


def test_a_parameter_has_a_value() -> None:
    with pytest.raises(DamagedResponse, match=r"^has no Value$"):
        validate(response_of(b'{"Parameter": {"Name": "n"}}'), "GetParameter", "ssm")


def test_the_result_of_another_operation_may_be_any_json_object() -> None:
    assert validate(response_of(b"{}"), "PurgeQueue", "sqs") == {}


BODY = json.dumps(ROWS).encode()


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(response_of(BODY, x_amz_crc32="1"), id="a wrong checksum"),
        pytest.param(response_of(BODY, x_amz_crc32="none"), id="a checksum that is not a number"),
        pytest.param(response_of(BODY, x_amz_crc32=None), id="no checksum"),
        pytest.param(response_of(BODY, content_length=str(len(BODY) + 1)), id="too short"),
        pytest.param(response_of(BODY, content_length=str(len(BODY) - 1)), id="too long"),
        pytest.param(response_of(BODY, content_length="many"), id="a length that is not a number"),
        pytest.param(response_of(BODY[:-1]), id="a part of it"),
        pytest.param(response_of(b""), id="nothing"),
        pytest.param(response_of(b"<html>"), id="HTML"),
        pytest.param(response_of(BODY.replace(b"1", b"\xff")), id="not UTF-8"),
        pytest.param(response_of(BODY.decode().encode("utf-16")), id="UTF-16"),
        pytest.param(response_of(BODY.replace(b'"Count": 1', b'"Count": NaN')), id="NaN"),
        pytest.param(response_of(b"[" * 100_000), id="nested too deeply"),
        pytest.param(response_of(b"[]"), id="a list"),
        pytest.param(response_of(b"null"), id="null"),
        pytest.param(response_of(BODY, 204), id="an odd status"),
        pytest.param(response_of(BODY, 302), id="a redirect"),
    ],
)
@pytest.mark.parametrize("decode", [parse_json, orjson.loads])
def test_a_damaged_result_is_rejected(response: Response, decode: Any) -> None:
    """With either parser."""
    with pytest.raises(DamagedResponse):
        validate_response("dynamodb", "Query", dict, response, decode)


def test_services_other_than_dynamodb_send_no_checksum() -> None:
    response = response_of(b'{"MessageId": "1"}', x_amz_crc32=None)
    assert validate(response, "SendMessage", "sqs") == {"MessageId": "1"}


def test_a_response_in_chunks_announces_no_length() -> None:
    """botocore supports those."""
    assert validate(response_of(BODY, content_length=None)) == ROWS


@pytest.mark.parametrize("checksum", [None, str(zlib.crc32(json.dumps(ERROR).encode()))])
def test_an_error_has_a_type(checksum: str | None) -> None:
    """DynamoDB Local sends no checksum with errors."""
    body = json.dumps(ERROR).encode()
    assert validate(response_of(body, 400, x_amz_crc32=checksum), "PutItem") == ERROR


@pytest.mark.parametrize(
    "response",
    [
        response_of(json.dumps(ERROR).encode(), 400, x_amz_crc32="1"),
        response_of(b"<html>", 400),
        response_of(b"{}", 400),
        response_of(b'{"__type": 1}', 500),
    ],
)
def test_a_damaged_error_is_rejected(response: Response) -> None:
    """It might say that a condition failed, or that there is no such table."""
    with pytest.raises(DamagedResponse):
        validate(response, "PutItem")


@given(text=st.text(), status=st.sampled_from([200, 400]), body=st.binary(max_size=50))
def test_any_response_is_valid_or_damaged(text: str, status: int, body: bytes) -> None:
    """No headers and no body cause another error."""
    for response in (
        response_of(body, status),
        response_of(body, status, x_amz_crc32=text),
        response_of(BODY, status, content_length=text),
    ):
        try:
            validate_response("dynamodb", "Query", dict, response)
        except DamagedResponse:
            continue


@pytest.mark.parametrize(
    ("operation", "member", "parameter"),
    [
        ("Query", "LastEvaluatedKey", "ExclusiveStartKey"),
        ("Scan", "LastEvaluatedKey", "ExclusiveStartKey"),
        ("BatchWriteItem", "UnprocessedItems", "RequestItems"),
    ],
)
def test_a_result_that_leads_back_to_its_own_request_is_rejected(
    operation: str, member: str, parameter: str
) -> None:
    """Following it would never end."""
    result = {**RESULTS[operation], member: {"id": {"N": "1"}}}
    response = response_of(json.dumps(result).encode())
    assert validate(response, operation, request={parameter: {"id": {"N": "2"}}}) == result
    assert validate(response, operation) == result
    with pytest.raises(DamagedResponse, match="of the response before it"):
        validate(response, operation, request={parameter: {"id": {"N": "1"}}})
