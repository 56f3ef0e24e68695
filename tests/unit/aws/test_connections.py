"""Connections are kept while they last, and are encrypted for a server that proves its name."""

import select
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.prepared_service import EMPTY, GOOD, PreparedService, environment_reader
from workspace_usage.aws.connections import RESPONSE_SECONDS, tls_context
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.errors import StoreUnavailable


def reader_at(
    endpoint: str, response_seconds: float = RESPONSE_SECONDS
) -> tuple[Reader, list[str]]:
    """Returns a reader, and the operations for which it had to use its fallback."""
    fallbacks: list[str] = []

    def fall_back(operation: str, _: object) -> dict[str, Any]:
        fallbacks.append(operation)
        return EMPTY

    reader = Reader(
        DYNAMODB,
        endpoint,
        "us-east-1",
        fall_back,
        credentials=lambda: Credentials("id", "secret"),
        response_seconds=response_seconds,
    )
    return reader, fallbacks


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


def test_a_slow_service_is_not_taken_for_a_broken_connection(service: PreparedService) -> None:
    """A request that it is still working on is not sent again on a new connection.

    The fallback makes the call, as after a time-out on a new connection.
    """
    reader, fallbacks = reader_at(service.url, response_seconds=0.2)
    reader.query([{"TableName": "rows"}])
    assert (len(service.calls), fallbacks, len(reader._pool._idle)) == (1, [], 1)
    service.barrier = barrier = Barrier(2)
    reader.query([{"TableName": "rows"}])
    assert (len(service.calls), fallbacks, reader._pool._idle) == (2, ["Query"], [])
    barrier.abort()


def test_connecting_takes_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that drops packets must not cost a function its time: the response has more."""
    limits: list[float] = []

    def connect(_address: object, timeout: float) -> socket.socket:
        limits.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    reader, fallbacks = reader_at("http://dynamodb.test")
    reader.query([{"TableName": "rows"}])
    assert (len(limits), fallbacks) == (1, ["Query"])
    assert 0 < limits[0] < RESPONSE_SECONDS


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://dynamodb.test", ("dynamodb.test", 443)),
        ("https://dynamodb.test:8443", ("dynamodb.test", 8443)),
        ("http://dynamodb.test", ("dynamodb.test", 80)),
        ("http://dynamodb.test:8000", ("dynamodb.test", 8000)),
    ],
)
def test_a_call_goes_to_the_port_of_its_scheme_or_of_its_endpoint(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, address: tuple[str, int]
) -> None:
    addresses: list[object] = []

    def connect(address: object, _timeout: float) -> socket.socket:
        addresses.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    reader, fallbacks = reader_at(endpoint)
    reader.query([{"TableName": "rows"}])
    assert (addresses, fallbacks) == ([address], ["Query"])


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a certificate for dynamodb.test that is its own authority, and of its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), "dynamodb.test"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_service(authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PreparedService]:
    """A service with TLS, at every address that is connected to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with PreparedService() as service:
        # The handshake is made when the connection is first read, in its own thread.
        service.socket = context.wrap_socket(
            service.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = Thread(target=service.serve_forever, args=(0.05,))
        thread.start()
        connect, port = socket.create_connection, service.server_address[1]
        monkeypatch.setattr(
            socket, "create_connection", lambda _, timeout: connect(("127.0.0.1", port), timeout)
        )
        yield service
        service.shutdown()
        thread.join()


def trust(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes readers trust an authority, and no other."""
    monkeypatch.setattr(
        "workspace_usage.aws.connections.tls_context",
        lambda: ssl.create_default_context(cafile=str(authority)),
    )


def test_a_server_that_proves_its_name_is_called_over_tls(
    authority: Path, tls_service: PreparedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without botocore, and several times on one connection."""
    trust(authority, monkeypatch)
    reader, fallbacks = reader_at("https://dynamodb.test")
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
    assert (len(tls_service.calls), fallbacks) == (2, [])
    assert len({call.client_port for call in tls_service.calls}) == 1


@pytest.mark.parametrize(
    ("host", "is_trusted"), [("ssm.test", True), ("dynamodb.test", False)], ids=["name", "issuer"]
)
def test_a_server_that_does_not_prove_its_name_gets_no_request(
    authority: Path,
    tls_service: PreparedService,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    is_trusted: bool,
) -> None:
    """Its certificate is another server's, or nobody that botocore trusts has signed it."""
    if is_trusted:
        trust(authority, monkeypatch)
    reader, fallbacks = reader_at(f"https://{host}")
    reader.query([{"TableName": "rows"}])
    assert (tls_service.calls, fallbacks) == ([], ["Query"])


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
