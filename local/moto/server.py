"""The program of moto's process: prints its port, and serves until its input is closed."""

import os
import socket
import sys
from importlib import import_module
from threading import Thread
from typing import Any, Final

from moto.core.serialize import BaseJSONSerializer
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from local.moto import backend


class Handler(MotoRequestHandler):
    """moto's handler without a line for each request."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Logs nothing."""


_TEXTS: Final = {"S", "N"}
"""The types of attribute values that need no conversion."""


def speed_up_responses() -> None:
    """Makes moto write responses with many rows in half the time.

    moto looks for each of the ten types of an attribute value, in several spellings, and copies the
    one that it finds. That is not needed: what moto holds is already DynamoDB's JSON, except for
    binary values.
    """
    walk = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no public one

    def serialize(
        self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= _TEXTS:
            serialized[self.get_serialized_name(shape, key)] = value
        else:
            walk(self, serialized, value, shape, key)

    BaseJSONSerializer._serialize_type_structure = serialize  # type: ignore[method-assign]  # noqa: SLF001


def main() -> None:
    """Serves on the address and port (0: a free one) in its arguments until input is closed."""
    speed_up_responses()
    backend.install()
    application = DomainDispatcherApplication(create_backend_app)
    listener = _listen(sys.argv[1], int(sys.argv[2]))
    server = make_server(
        "127.0.0.1",
        0,
        application,
        threaded=True,
        request_handler=Handler,
        fd=listener.fileno(),
    )
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    # moto imports a service at its first request. That takes up to a second; here it happens while
    # the rest of the stack starts.
    for service in ("dynamodb", "s3", "ssm", "sqs", "events"):
        import_module(f"moto.{service}.responses")
    sys.stdin.buffer.read()
    # Threads may still handle requests, for which no client waits any more.
    os._exit(0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError):
        sys.exit(1)  # MotoServer.url gives the reason


if __name__ == "__main__":
    main()
