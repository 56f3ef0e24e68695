"""An HTTP request and its response, as all parts of the stack exchange them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

JSON: Final = ("Content-Type", "application/json")

type Pairs = tuple[tuple[str, str], ...]
"""Names and values in the order in which they were sent; a name can occur more than once."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the client sent it; ``path``, ``query`` and ``content`` are not decoded."""

    method: str
    path: str
    query: str = ""
    headers: Pairs = ()
    content: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def body(self) -> str | None:
        """The content as text; bytes that are not UTF-8 are replaced, as by API Gateway."""
        return self.content.decode(errors="replace") or None

    @property
    def target(self) -> str:
        """The path with the query string."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def with_content(self, content: bytes) -> "Request":
        """Returns the same request with a body."""
        return replace(self, content=content)


@dataclass(frozen=True, slots=True)
class Response:
    """A response, without the headers that the HTTP server adds."""

    status: int
    headers: Pairs
    body: bytes

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """Returns the same response with more headers."""
        return Response(self.status, (*self.headers, *headers), self.body)


def group_values(
    pairs: Iterable[tuple[str, str]], *, ignore_case: bool = False
) -> dict[str, list[str]]:
    """Returns each name's values in order; with ``ignore_case``, ``a`` and ``A`` are one name."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        spelling = names.setdefault(name.lower() if ignore_case else name, name)
        values.setdefault(spelling, []).append(value)
    return values
