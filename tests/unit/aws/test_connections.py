"""Connections are kept while they last, and are encrypted for a server that proves its name."""

import select
import ssl

import pytest

from tests.support.prepared_service import EMPTY, GOOD, PreparedService, environment_reader
from workspace_usage.aws.connections import tls_context
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.errors import StoreUnavailable


def test_a_connection_that_was_closed_meanwhile_is_replaced(service: PreparedService) -> None:
    """As after a function was frozen: the call is made on a new one, without botocore."""
    reader = environment_reader(DYNAMODB)
    service.replies = [GOOD]
    service.closes = True
    for _ in range(3):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        wait_until_readable(reader)
    assert len({call.client_port for call in service.calls}) == 3
    assert not any(call.is_from_botocore for call in service.calls)


def wait_until_readable(reader: Reader) -> None:
    """Waits until the end of the kept connections has arrived."""
    for connection in reader._pool._idle:
        assert select.select([connection], [], [], 10)[0]


def test_a_connection_whose_close_is_announced_is_not_kept(service: PreparedService) -> None:
    """The next call opens another."""
    reader = environment_reader(DYNAMODB)
    service.closes = service.announces_close = True
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        assert reader._pool._idle == []
    assert len({call.client_port for call in service.calls}) == 2
    assert not any(call.is_from_botocore for call in service.calls)


def test_an_unsupported_response_is_left_to_botocore(service: PreparedService) -> None:
    """It handles all of HTTP. The connection is closed."""
    reader = environment_reader(DYNAMODB)
    service.replies, service.is_chunked = [GOOD], True
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [call.is_from_botocore for call in service.calls] == [False, True]
    assert reader._pool._idle == []


def test_a_request_on_a_connection_that_has_ended_is_sent_again(service: PreparedService) -> None:
    """It was sent, and no response came: it is sent on a new connection, before the fallback."""
    reader = environment_reader(DYNAMODB)
    service.replies = [GOOD, (0, b""), GOOD]
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
    assert len(service.calls) == 3
    assert not any(call.is_from_botocore for call in service.calls)


def test_certificates_are_checked() -> None:
    """Against the authorities that botocore trusts."""
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 100


def test_a_server_without_a_valid_certificate_gets_no_request(
    service: PreparedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", service.url.replace("http:", "https:"))
    with pytest.raises(StoreUnavailable, match="SSLError"), aws_errors_as_unavailable():
        environment_reader(DYNAMODB).query([{"TableName": "rows"}])
    assert service.calls == []
