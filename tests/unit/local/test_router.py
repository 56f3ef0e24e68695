"""Each request is answered by the right API, and is in the log once."""

from typing import Any

from local.exchange import Request, Response
from local.log import ServedRequest, TextLog
from local.router import Router


class Api:
    """An API for the path /api, which can be made to fail."""

    def handles(self, request: Request) -> bool:
        """Whether a request is for it."""
        return request.path == "/api"

    def handle(self, request: Request) -> Response:
        """Its response."""
        if request.content == b"fail":
            raise LookupError("no luck")
        return Response(201, (), b"")


class Gateway:
    """A gateway that answers and logs every request."""

    def __init__(self, log: TextLog) -> None:
        self._log = log

    def handle(self, request: Request) -> Response:
        """Its response."""
        self._log.request(ServedRequest(request.method, request.path, 200, 0))
        return Response(200, (), b"")


def test_each_request_is_answered_and_in_the_log_once() -> None:
    """By the description, by a local API, or else by the gateway."""
    lines: list[str] = []
    log = TextLog(lines.append)
    gateway: Any = Gateway(log)
    router = Router(gateway, (Api(),), Response(202, (), b""), log, lambda: 0.0)
    requests = [
        Request("GET", "/_local/stack"),
        Request("POST", "/api", "a=1"),
        Request("GET", "/workspaces/usage"),
        Request("POST", "/api", content=b"fail"),
    ]
    assert [router.handle(request).status for request in requests] == [202, 201, 200, 500]
    said = [line.split(" ", 1)[1] for line in lines]
    assert said[:3] == [
        "GET /_local/stack 202 0 ms",
        "POST /api?a=1 201 0 ms",
        "GET /workspaces/usage 200 0 ms",
    ]
    trace, last = said[3:]
    assert "LookupError: no luck" in trace
    assert last == "POST /api 500 0 ms"
