"""Any bytes in headers, parameters and requests: the answer is the contract's, never a 5XX."""

import json
import socket
from urllib.parse import quote_from_bytes, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.service import PATH, Service
from tests.support.openapi import check_answer as check_answer_with_document
from workspace_usage.listing.query import PARAMETER_NAMES

pytestmark = pytest.mark.xdist_group("contract")

HEADERS = ("Authorization", "x-workspace-id", "Accept-Language", "Cookie", "X-Other", "Accept")
FUZZ_SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def send(service: Service, request: bytes) -> tuple[int, bytes, bytes]:
    """Sends bytes on a new connection; returns the answer's status, head and body."""
    parts = urlsplit(service.stack.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=300) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        response = b""
        while chunk := connection.recv(65536):
            response += chunk
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


def headers_of(head: bytes) -> dict[str, str]:
    """Returns the headers in an answer's head."""
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name: value.strip() for name, _, value in lines}


def check_answer(
    service: Service, query: bytes = b"", headers: dict[bytes, bytes] | None = None
) -> None:
    """Sends a request of a member, and checks the form that every answer must have.

    Args:
        service: the service.
        query: what follows the path, as it is.
        headers: more headers, or other values for the member's.
    """
    token, member = service.members[0].token, service.members[0]
    sent = {
        b"Host": b"127.0.0.1",
        b"Connection": b"close",
        b"Authorization": f"Bearer {token}".encode(),
        b"x-workspace-id": str(member.workspace_id).encode(),
        **(headers or {}),
    }
    lines = [b"GET %s%s HTTP/1.1" % (PATH.encode(), query)]
    lines += [b"%s: %s" % item for item in sent.items()]
    status, head, body = send(service, b"\r\n".join(lines) + b"\r\n\r\n")
    assert status < 500, (status, query, headers)
    check_answer_with_document("GET", PATH, status, headers_of(head), body)
    assert b"application/json" in head
    answer = json.loads(body)
    if status == 200:
        assert list(answer) == ["items", "has_more", "page", "per_page", "next_cursor"]
    else:
        assert isinstance(answer["message"], str)
        assert answer["message"]
        assert set(answer) == ({"message", "errors"} if status == 422 else {"message"})


@FUZZ_SETTINGS
@given(st.sampled_from(HEADERS), st.binary(max_size=60))
@example("Authorization", b"Bearer \xff\xfe\x00")
@example("Authorization", b"Bearer " + b"9" * 5000 + b"|x")
@example("x-workspace-id", "١١".encode())
@example("x-workspace-id", b"9" * 5000)
@example("x-workspace-id", b"11\r\n folded")
@example("Accept-Language", b"pt;q=nan,es;q=1e400,en;q=\xff")
@example("Accept-Language", b"es;q=" + b"1" * 5000)
def test_any_bytes_in_a_header_get_an_answer(service: Service, name: str, value: bytes) -> None:
    check_answer(service, headers={name.encode(): value})


@FUZZ_SETTINGS
@given(st.sampled_from(PARAMETER_NAMES), st.binary(max_size=40))
@example("cursor", "🙂".encode())
@example("cursor", b"\xed\xa0\x80")
@example("type", b"\xed\xa0\x80")
@example("page", b"9" * 6000)
@example("start_date", b"0000-00-00")
def test_any_bytes_in_a_parameter_get_an_answer(service: Service, name: str, value: bytes) -> None:
    check_answer(service, b"?%s=%s" % (name.encode(), quote_from_bytes(value).encode()))


@FUZZ_SETTINGS
@given(st.binary(max_size=60).filter(lambda b: not set(b) & set(b" \r\n\t\x0b\x0c\x85\xa0")))
@example(b"?%ff=%zz&&=&%")
@example(b"?page[]=1&page[0]=x")
@example(b"?" + b"a=1&" * 2000)
def test_any_bytes_after_the_path_get_an_answer(service: Service, query: bytes) -> None:
    check_answer(service, b"?" + query)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET /x HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_bytes_that_are_not_valid_http_get_a_message(service: Service, request_: bytes) -> None:
    status, head, body = send(service, request_)
    assert 400 <= status < 500
    assert list(json.loads(body)) == ["message"]
    check_answer_with_document("GET", "/", status, headers_of(head), body)
