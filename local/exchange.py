"""What goes through the gateway: a request, and the response to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

JSON: Final = ("Content-Type", "application/json")

type Pairs = tuple[tuple[str, str], ...]
"""Names and values in the order in which they were sent; a name may come more than once."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a client sent it; ``path``, ``query`` and ``content`` are not decoded."""

    method: str
    path: str
    query: str = ""
    headers: Pairs = ()
    content: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def body(self) -> str | None:
        """The content as API Gateway passes it on: text, in which what is not UTF-8 is replaced."""
        return self.content.decode(errors="replace") or None

    @property
    def target(self) -> str:
        """The path with the query string."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def with_content(self, content: bytes) -> "Request":
        """The same request with a body."""
        return replace(self, content=content)


@dataclass(frozen=True, slots=True)
class Response:
    """A response, without what its way over HTTP adds."""

    status: int
    headers: Pairs
    body: bytes

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """The same response with more headers."""
        return Response(self.status, (*self.headers, *headers), self.body)


def group_values(
    pairs: Iterable[tuple[str, str]], *, ignore_case: bool = False
) -> dict[str, list[str]]:
    """The values of each name, in order; ``ignore_case`` puts ``A`` and ``a`` under the first."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        spelling = names.setdefault(name.lower() if ignore_case else name, name)
        values.setdefault(spelling, []).append(value)
    return values
