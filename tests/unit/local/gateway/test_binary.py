"""A body is binary if the API's binary media types include its type."""

import pytest

from local.exchange import Request
from local.gateway.binary import BinaryMediaTypes


@pytest.mark.parametrize(
    ("types", "value", "is_binary"),
    [
        ([], "font/woff2", False),
        ([], None, False),
        (["font/woff2"], "font/woff2", True),
        (["font/woff2"], "Font/WOFF2; a=b", True),
        (["font/woff2"], "font/woff", False),
        (["font/woff2"], "text/html, font/woff2", False),
        (["font/woff2"], "font/woff2, text/html", True),
        (["font/woff2"], "*/*", False),
        (["font/woff2"], None, False),
        (["image/png", "font/*"], "font/woff", True),
        (["a.c/d"], "abc/d", False),
        (["*/*"], "text/html,*/*;q=0.1", True),
        (["*/*"], None, True),
    ],
)
def test_the_first_type_of_a_header_decides(
    types: list[str], value: str | None, is_binary: bool
) -> None:
    """Content-Type for a request, and Accept for its response. Without the header, any type."""
    binary = BinaryMediaTypes(types)
    headers = () if value is None else (("content-TYPE", value),)
    assert binary.is_request_binary(Request("POST", "/", "", headers, b"a")) is is_binary
    headers = () if value is None else (("ACCEPT", value),)
    assert binary.is_response_decoded(Request("GET", "/", "", headers)) is is_binary


def test_a_request_without_a_body_is_not_binary() -> None:
    """Its event has no body."""
    assert not BinaryMediaTypes(["*/*"]).is_request_binary(Request("GET", "/"))
