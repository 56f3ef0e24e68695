"""A response is compressed if its client prefers a coding that API Gateway supports."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.exchange import Request, Response
from local.gateway.compression import compress

LARGE = b"x" * 1024


def compressed(
    *accepted: str, body: bytes = LARGE, headers: tuple[tuple[str, str], ...] = ()
) -> tuple[str | None, bytes]:
    """The Content-Encoding and the body of the response to a client that accepts codings."""
    request = Request("GET", "/", headers=tuple(("accept-encoding", text) for text in accepted))
    response = compress(Response(200, headers, body), request, 1024)
    return dict(response.headers).get("Content-Encoding"), response.body


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("deflate, gzip", "deflate"),
        ("deflate;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip;q=0.3,deflate;Q=0.7", "deflate"),
        ("br;q=0.9, gzip", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("gzip ; q=0.5", "gzip"),
        ("gzip;q=1.", "gzip"),
        # API Gateway compresses only if it supports what the client prefers.
        ("br, gzip", None),
        ("identity, gzip", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=2", None),
        ("gzip;q=high", None),
        ("gzip;level=1", None),
        ("*", None),
        ("identity", None),
        ("br", None),
        ("gzipped", None),
        ("", None),
        (",;,", None),
    ],
)
def test_the_coding_that_the_client_prefers_decides(accepted: str, coding: str | None) -> None:
    """The one with the greatest weight, and the first of several."""
    assert compressed(accepted)[0] == coding


def test_several_headers_count_as_one_list() -> None:
    """As in HTTP."""
    assert compressed("br;q=0.1", "gzip")[0] == "gzip"


def test_a_client_that_says_nothing_gets_the_body_as_it_is() -> None:
    """Although HTTP lets a server choose then."""
    assert compressed() == (None, LARGE)


@pytest.mark.parametrize(("size", "coding"), [(1023, None), (1024, "gzip"), (0, None)])
def test_only_a_body_of_at_least_the_minimum_is_compressed(size: int, coding: str | None) -> None:
    """In bytes."""
    assert compressed("gzip", body=b"x" * size)[0] == coding


def test_an_empty_body_is_never_compressed() -> None:
    """As of a response to a preflight."""
    request = Request("GET", "/", headers=(("Accept-Encoding", "gzip"),))
    response = Response(204, (), b"")
    assert compress(response, request, 0) is response


def test_a_response_that_has_a_coding_keeps_it() -> None:
    """API Gateway takes such a body for a compressed one."""
    headers = (("content-encoding", "br"),)
    request = Request("GET", "/", headers=(("Accept-Encoding", "gzip"),))
    response = Response(200, headers, LARGE)
    assert compress(response, request, 1024) is response


def test_without_a_minimum_nothing_is_compressed() -> None:
    """The API has compression off."""
    request = Request("GET", "/", headers=(("Accept-Encoding", "gzip"),))
    response = Response(200, (), LARGE)
    assert compress(response, request, None) is response


@pytest.mark.parametrize(
    ("coding", "decompress"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)]
)
@given(body=st.binary(min_size=1, max_size=3000))
def test_a_decompressed_body_is_the_same(
    coding: str, decompress: Callable[[bytes], bytes], body: bytes
) -> None:
    """Bytes of any kind. deflate is zlib's format, as HTTP has it."""
    request = Request("GET", "/", headers=(("Accept-Encoding", coding),))
    response = compress(Response(200, (("A", "b"),), body), request, 0)
    assert response.headers == (("A", "b"), ("Content-Encoding", coding))
    assert decompress(response.body) == body
