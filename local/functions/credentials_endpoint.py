"""Where a function with SnapStart finds its credentials: an address in its environment.

Lambda serves them there in the form of Amazon ECS, see the SDKs' reference guide, "Container
credential provider". The stack's functions have theirs in their environment, as those without
SnapStart do; this is for tests and benchmarks.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Final, Self

TOKEN: Final = "local-authorization"  # noqa: S105 - it opens nothing

LIFETIME: Final = timedelta(hours=6)


class CredentialsEndpoint:
    """The endpoint, on a free port of 127.0.0.1, while it is used as a context manager.

    Attributes:
        credentials: what it gives out: ``AccessKeyId``, ``SecretAccessKey`` and ``Token``.
        lifetime: how long they live from the moment at which they are given out.
        asked: how often it was asked with the right token.
    """

    def __init__(self, credentials: Mapping[str, str], lifetime: timedelta = LIFETIME) -> None:
        self.credentials = credentials
        self.lifetime = lifetime
        self.asked = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                known = self.headers.get("Authorization") == TOKEN
                body = json.dumps(endpoint._answer() if known else {}).encode()
                self.send_response(200 if known else 403)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def variables(self) -> Mapping[str, str]:
        """What a function's environment has in place of its credentials."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": (
                f"http://127.0.0.1:{self._server.server_port}/2021-04-23/credentials"
            ),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
        }

    def _answer(self) -> Mapping[str, str]:
        self.asked += 1
        expiration = datetime.now(UTC) + self.lifetime
        return {**self.credentials, "Expiration": f"{expiration:%Y-%m-%dT%H:%M:%SZ}"}

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
