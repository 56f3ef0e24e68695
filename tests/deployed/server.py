"""The program of ministack's process: serves over TLS until standard input is closed.

It runs with the Python of ``.venv-ministack``, and gets the descriptors of two sockets that listen.

- ministack serves on the first. Its own command would also take port 443.
- A proxy serves on the second. The API's URL in the stack's outputs and presigned URLs name hosts
  of AWS. A client that uses the proxy reaches ministack under these names.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from threading import Thread

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app


class Tunnel:
    """A proxy that connects clients with ministack, and with nothing else.

    Args:
        port: ministack's port.
        domain: the end of the names under which clients may ask for it.
    """

    def __init__(self, port: int, domain: str) -> None:
        self._port = port
        self._domain = domain

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client: takes its CONNECT, then passes on what both sides send."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.decode("latin-1").partition(" ")
            if method == "CONNECT" and rest.partition(":")[0].endswith(self._domain):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there, back = await asyncio.open_connection("127.0.0.1", self._port)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            else:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main(listener: int, tunnel: int, certificate: str, key: str, domain: str) -> None:
    """Serves until the process ends.

    Args:
        listener: the descriptor of the socket on which ministack serves.
        tunnel: that of the socket on which the proxy serves.
        certificate: the file of the server's certificate.
        key: the file of its key.
        domain: the end of the names under which the proxy's clients may ask for it.
    """
    with socket.socket(fileno=os.dup(listener)) as listening:
        port = listening.getsockname()[1]
    proxy = Tunnel(port, domain)
    await asyncio.start_server(proxy.connect, sock=socket.socket(fileno=tunnel))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.certfile = certificate
    config.keyfile = key
    config.keep_alive_timeout = 75
    await serve(app, config, shutdown_trigger=asyncio.Event().wait)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    # A function's process ends when its standard input is closed, which is a pipe from here.
    os._exit(0)


if __name__ == "__main__":
    Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
