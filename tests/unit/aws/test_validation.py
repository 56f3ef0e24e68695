"""An answer is believed if it came as it was sent, and is one to what was asked."""

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
REFUSED: Mapping[str, Any] = {"__type": "com.amazonaws#ConditionalCheckFailedException"}

RESULTS: Mapping[str, Mapping[str, Any]] = {
    "GetItem": {"ConsumedCapacity": {}},
    "PutItem": {"ConsumedCapacity": {}},
    "UpdateItem": {"ConsumedCapacity": {}},
    "DeleteItem": {"ConsumedCapacity": {}},
    "Query": ROWS,
    "Scan": ROWS,
    "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "BatchWriteItem": {"UnprocessedItems": {}},
    "TransactWriteItems": {"ConsumedCapacity": []},
    "DescribeTable": {"Table": {}},
    "GetParameter": {"Parameter": {"Value": "{}"}},
    "PutParameter": {"Version": 1},
    "SendMessage": {"MessageId": "1"},
    "GetQueueAttributes": {"Attributes": {}},
    "PutEvents": {"Entries": [], "FailedEntryCount": 0},
}


def answer(body: bytes, status: int = 200, **headers: str | None) -> Response:
    """An answer as AWS sends it, but for ``headers``; None: without that one."""
    whole = {"content_length": str(len(body)), "x_amz_crc32": str(zlib.crc32(body)), **headers}
    named = {name.replace("_", "-"): value for name, value in whole.items() if value is not None}
    return Response(status, named, body)


def read(
    said: Response,
    operation: str = "Query",
    service: str = "dynamodb",
    asked: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """What is believed of an answer."""
    return validate_response(service, operation, lambda: asked, said)


@pytest.mark.parametrize("operation", RESULTS)
def test_a_result_has_all_that_its_callers_rely_on(operation: str) -> None:
    """Without any one part of it, it is not one."""
    whole = RESULTS[operation]
    assert read(answer(json.dumps(whole).encode()), operation) == whole
    for name in whole:
        for damaged in (
            {other: value for other, value in whole.items() if other != name},
            {**whole, name: None},
        ):
            with pytest.raises(DamagedResponse, match=rf"^has no {name}$"):
                read(answer(json.dumps(damaged).encode()), operation)


def test_a_parameter_has_a_value() -> None:
    with pytest.raises(DamagedResponse, match=r"^has no Value$"):
        read(answer(b'{"Parameter": {"Name": "n"}}'), "GetParameter", "ssm")


def test_an_operation_of_which_nothing_is_needed_may_say_anything() -> None:
    """As long as it is a JSON object."""
    assert read(answer(b"{}"), "PurgeQueue", "sqs") == {}


BODY = json.dumps(ROWS).encode()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(BODY, x_amz_crc32="1"), id="a wrong checksum"),
        pytest.param(answer(BODY, x_amz_crc32="none"), id="a checksum that is no number"),
        pytest.param(answer(BODY, x_amz_crc32=None), id="no checksum"),
        pytest.param(answer(BODY, content_length=str(len(BODY) + 1)), id="too short"),
        pytest.param(answer(BODY, content_length=str(len(BODY) - 1)), id="too long"),
        pytest.param(answer(BODY, content_length="many"), id="a length that is no number"),
        pytest.param(answer(BODY[:-1]), id="not all of it"),
        pytest.param(answer(b""), id="nothing"),
        pytest.param(answer(b"<html>"), id="HTML"),
        pytest.param(answer(BODY.replace(b"1", b"\xff")), id="no UTF-8"),
        pytest.param(answer(BODY.decode().encode("utf-16")), id="UTF-16"),
        pytest.param(answer(BODY.replace(b'"Count": 1', b'"Count": NaN')), id="NaN"),
        pytest.param(answer(b"[" * 100_000), id="too deep"),
        pytest.param(answer(b"[]"), id="a list"),
        pytest.param(answer(b"null"), id="null"),
        pytest.param(answer(BODY, 204), id="an odd status"),
        pytest.param(answer(BODY, 302), id="a way elsewhere"),
    ],
)
@pytest.mark.parametrize("decode", [parse_json, orjson.loads])
def test_damage_is_not_believed(said: Response, decode: Any) -> None:
    """Whichever parser is used."""
    with pytest.raises(DamagedResponse):
        validate_response("dynamodb", "Query", dict, said, decode)


def test_services_other_than_dynamodb_send_no_checksum() -> None:
    said = answer(b'{"MessageId": "1"}', x_amz_crc32=None)
    assert read(said, "SendMessage", "sqs") == {"MessageId": "1"}


def test_an_answer_in_chunks_announces_no_length() -> None:
    """botocore reads those."""
    assert read(answer(BODY, content_length=None)) == ROWS


@pytest.mark.parametrize("checksum", [None, str(zlib.crc32(json.dumps(REFUSED).encode()))])
def test_an_error_has_a_type(checksum: str | None) -> None:
    """DynamoDB Local sends no checksum with it."""
    body = json.dumps(REFUSED).encode()
    assert read(answer(body, 400, x_amz_crc32=checksum), "PutItem") == REFUSED


@pytest.mark.parametrize(
    "said",
    [
        answer(json.dumps(REFUSED).encode(), 400, x_amz_crc32="1"),
        answer(b"<html>", 400),
        answer(b"{}", 400),
        answer(b'{"__type": 1}', 500),
    ],
)
def test_a_damaged_error_is_not_believed(said: Response) -> None:
    """It might say that a condition failed, or that there is no such table."""
    with pytest.raises(DamagedResponse):
        read(said, "PutItem")


@given(text=st.text(), status=st.sampled_from([200, 400]), body=st.binary(max_size=50))
def test_whatever_comes_is_believed_or_damaged(text: str, status: int, body: bytes) -> None:
    """No other error, whatever the headers and the body are."""
    for said in (
        answer(body, status),
        answer(body, status, x_amz_crc32=text),
        answer(BODY, status, content_length=text),
    ):
        try:
            validate_response("dynamodb", "Query", dict, said)
        except DamagedResponse:
            continue


@pytest.mark.parametrize(
    ("operation", "left", "asked"),
    [
        ("Query", "LastEvaluatedKey", "ExclusiveStartKey"),
        ("Scan", "LastEvaluatedKey", "ExclusiveStartKey"),
        ("BatchGetItem", "UnprocessedKeys", "RequestItems"),
        ("BatchWriteItem", "UnprocessedItems", "RequestItems"),
    ],
)
def test_an_answer_that_leads_back_to_itself_is_not_believed(
    operation: str, left: str, asked: str
) -> None:
    """Following it would never end."""
    said = {**RESULTS[operation], left: {"id": {"N": "1"}}}
    whole = answer(json.dumps(said).encode())
    assert read(whole, operation, asked={asked: {"id": {"N": "2"}}}) == said
    assert read(whole, operation) == said
    with pytest.raises(DamagedResponse, match="of the response before it"):
        read(whole, operation, asked={asked: {"id": {"N": "1"}}})
