"""Reads return what botocore returns: at once if all is well, otherwise through botocore."""

import json
from threading import Barrier
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.prepared_service import (
    EMPTY,
    GOOD,
    PreparedService,
    Reply,
    environment_reader,
)
from tests.support.strategies import stored_rows
from workspace_usage.aws import clients
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Row, to_stored_item

pytestmark = pytest.mark.usefixtures("service")

PARAMETER: Reply = (200, b'{"Parameter": {"Value": "v"}}')


@settings(max_examples=10)
@given(rows=st.lists(stored_rows(), max_size=10), more=st.booleans())
def test_rows_are_those_that_botocore_returns(
    running: PreparedService, rows: list[Row], more: bool
) -> None:
    """Every value of every row, the count, and the key to continue from, whatever the parser."""
    items = [to_stored_item(row) for row in rows]
    body: dict[str, Any] = {**EMPTY, "Count": len(items), "Items": items}
    if more and items:
        names = ("workspace_id", "sort_key")
        body["LastEvaluatedKey"] = {name: items[-1][name] for name in names}
    running.replies = [(200, json.dumps(body).encode())]
    theirs = clients.retry_call("dynamodb", "Query", {"TableName": "rows"})
    del theirs["ResponseMetadata"]
    for decode in (json.loads, orjson.loads):
        ours = environment_reader(DYNAMODB, decode).query([{"TableName": "rows"}])
        assert ours == [theirs] == [body]


def test_each_operation_is_called_by_its_name(service: PreparedService) -> None:
    """As botocore calls it; GetItem also asks for what tells its result from damage."""
    service.replies = [GOOD, (200, b'{"ConsumedCapacity": {}}'), PARAMETER]
    reader = environment_reader(DYNAMODB)
    reader.query([{"TableName": "a", "Limit": 1}])
    reader.get_item(TableName="b", Key={"id": {"N": "1"}})
    environment_reader(SSM).get_parameter(Name="c")
    counted = {"ReturnConsumedCapacity": "TOTAL"}
    assert [(call.target, call.request) for call in service.calls] == [
        ("DynamoDB_20120810.Query", {"TableName": "a", "Limit": 1}),
        ("DynamoDB_20120810.GetItem", {"TableName": "b", "Key": {"id": {"N": "1"}}} | counted),
        ("AmazonSSM.GetParameter", {"Name": "c"}),
    ]
    assert not any(call.is_from_botocore for call in service.calls)
    ours, service.calls = service.calls, []
    service.replies = [GOOD, (200, b'{"ConsumedCapacity": {}}'), PARAMETER]
    clients.retry_call("dynamodb", "Query", {"TableName": "a", "Limit": 1})
    clients.retry_call("dynamodb", "GetItem", {"TableName": "b", "Key": {"id": {"N": "1"}}})
    clients.retry_call("ssm", "GetParameter", {"Name": "c"})
    assert [(call.target, call.request, call.content_type) for call in ours] == [
        (call.target, call.request, call.content_type) for call in service.calls
    ]


ERROR = b'{"__type": "com.amazonaws.dynamodb.v20120810#%s", "message": "no"}'
THROTTLED = (400, ERROR % b"ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    "reply", [THROTTLED, (500, b""), (503, b"<html>"), (0, b""), (200, b"<html>"), (200, b"[]")]
)
def test_a_call_that_fails_once_is_made_again_by_botocore(
    service: PreparedService, reply: Reply
) -> None:
    """After an error, a connection that breaks, or nonsense, the result comes all the same."""
    service.replies = [reply, GOOD]
    fallbacks: list[str] = []
    reader = environment_reader(DYNAMODB, on_fallback=fallbacks.append)
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [call.is_from_botocore for call in service.calls] == [False, True]
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert fallbacks == ["Query"], "only the first call"


def test_a_call_that_fails_twice_is_tried_a_third_time(service: PreparedService) -> None:
    """And no more often."""
    service.replies = [THROTTLED, (500, b""), GOOD]
    assert environment_reader(DYNAMODB).query([{"TableName": "rows"}])[0]["Items"] == []
    service.replies, service.calls = [(500, b"")], []
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        environment_reader(DYNAMODB).query([{"TableName": "rows"}])
    assert len(service.calls) == 3


@pytest.mark.parametrize("name", ["ResourceNotFoundException", "ValidationException"])
def test_errors_are_those_of_botocore(service: PreparedService, name: str) -> None:
    """With their codes."""
    service.replies = [(400, ERROR % name.encode())]
    with pytest.raises(ClientError) as raised:
        environment_reader(DYNAMODB).query([{"TableName": "rows"}])
    assert raised.value.response["Error"]["Code"] == name


@pytest.mark.parametrize("reply", [(200, b"{}"), (200, b'{"Items": null, "Count": 0}')])
def test_a_result_without_its_members_is_a_failed_attempt(
    service: PreparedService, reply: Reply
) -> None:
    """After three attempts the store is unavailable, and the log says why."""
    service.replies = [reply]
    with (
        pytest.raises(StoreUnavailable, match="the response to Query has no"),
        aws_errors_as_unavailable(),
    ):
        environment_reader(DYNAMODB).query([{"TableName": "rows"}])
    assert [call.is_from_botocore for call in service.calls] == [False, True, True]


def test_if_nothing_listens_the_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with (
        pytest.raises(StoreUnavailable, match="EndpointConnectionError"),
        aws_errors_as_unavailable(),
    ):
        environment_reader(DYNAMODB).query([{"TableName": "rows"}])


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_where_calls_go_another_way_botocore_makes_all_of_them(
    service: PreparedService, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No call has failed, so none is reported."""
    monkeypatch.setenv(name, "true")
    service.replies = [GOOD]
    with pytest.MonkeyPatch.context() as patch:
        operations: list[str] = []
        patch.setattr(
            "workspace_usage.aws.clients.retry_call",
            lambda _, operation, __: operations.append(operation),
        )
        reader = environment_reader(DYNAMODB, on_fallback=lambda _: pytest.fail("nothing failed"))
        reader.query([{"TableName": "rows"}])
    assert (operations, service.calls) == (["Query"], [])


def test_credentials_are_looked_up_at_every_call(service: PreparedService) -> None:
    """They age, and are renewed."""
    given = iter([Credentials("first", "s"), Credentials("second", "s", "token")])
    reader = Reader(
        DYNAMODB, service.url, "us-east-1", lambda *_: pytest.fail("all was well"), given.__next__
    )
    reader.query([{"TableName": "rows"}])
    reader.query([{"TableName": "rows"}])
    access_keys = [
        call.authorization.partition("Credential=")[2].partition("/")[0] for call in service.calls
    ]
    assert access_keys == ["first", "second"]


def test_calls_are_in_flight_at_the_same_time(service: PreparedService) -> None:
    """The service waits for all three calls before it answers the first."""
    service.barrier = Barrier(3, timeout=10)
    service.replies = [GOOD]
    reader = environment_reader(DYNAMODB)
    for _ in range(2):
        results = reader.query({"TableName": name} for name in "abc")
        assert len(results) == 3
    assert len({call.client_port for call in service.calls}) == 3, "connections are kept"
    assert not any(call.is_from_botocore for call in service.calls)
