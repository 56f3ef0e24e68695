"""The HTTP endpoint from which a function with SnapStart gets its credentials.

Lambda serves them in the format of Amazon ECS, see the SDKs' reference guide, "Container credential
provider". Functions of the local stack have their credentials in environment variables, as
functions without SnapStart do; this endpoint is for tests and benchmarks.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Final, Self

AUTHORIZATION_TOKEN: Final = "local-authorization"  # noqa: S105 - not a secret

CREDENTIALS_LIFETIME: Final = timedelta(hours=6)


class CredentialsEndpoint:
    """A context manager that serves credentials on a free port of 127.0.0.1.

    Attributes:
        credentials: ``AccessKeyId``, ``SecretAccessKey`` and ``Token``.
        lifetime: how long they are valid from the moment of the response.
        requests: the number of requests with the right token.
    """

    def __init__(
        self, credentials: Mapping[str, str], lifetime: timedelta = CREDENTIALS_LIFETIME
    ) -> None:
        self.credentials = credentials
        self.lifetime = lifetime
        self.requests = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                is_allowed = self.headers.get("Authorization") == AUTHORIZATION_TOKEN
                body = json.dumps(endpoint._to_json() if is_allowed else {}).encode()
                self.send_response(200 if is_allowed else 403)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that a function has instead of credentials."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": (
                f"http://127.0.0.1:{self._server.server_port}/2021-04-23/credentials"
            ),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION_TOKEN,
        }

    def _to_json(self) -> Mapping[str, str]:
        self.requests += 1
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
