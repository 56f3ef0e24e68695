"""The store's process: moto's server, which prints its port and serves until its input ends."""

import os
import socket
import sys
from importlib import import_module
from threading import Thread
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from local.moto import tables


class Handler(MotoRequestHandler):
    """moto's handler without a line for each request."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Says nothing."""


def speed_up() -> None:
    """Makes answers with many rows take half as long.

    moto looks for each of the ten forms that an attribute value can have, in several spellings, and
    copies the one that is there; but what it holds is DynamoDB's JSON already.
    """
    walk = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no other way in

    def serialize(
        self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict):
            serialized[self.get_serialized_name(shape, key)] = value
        else:
            walk(self, serialized, value, shape, key)

    BaseJSONSerializer._serialize_type_structure = serialize  # type: ignore[method-assign]  # noqa: SLF001


def main() -> None:
    """Serves on the address and port (0: a free one) that are its arguments, until input ends."""
    speed_up()
    tables.install()
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
    # moto imports a service when it is first asked for. That takes up to a second, which is spent
    # here while the rest of the stack starts.
    for service in ("dynamodb", "s3", "ssm", "sqs", "events"):
        import_module(f"moto.{service}.responses")
    sys.stdin.buffer.read()
    # Threads may be in the middle of a request that nobody waits for any more.
    os._exit(0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError):
        sys.exit(1)  # whoever waits for the port says why


if __name__ == "__main__":
    main()
