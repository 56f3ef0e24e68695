"""moto as a process: it plays DynamoDB, S3, Systems Manager, EventBridge and SQS.

moto keeps its state in globals, which tests that use moto themselves would clear. A process of its
own keeps the state apart, and starts while the rest of the stack does. It ends when its standard
input is closed, so it can't outlive the stack.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from local.aws import CREDENTIALS, NO_CONFIGURATION
from local.errors import StartError

_ROOT: Final = Path(__file__).parents[2]


class MotoServer:
    """A process with moto's server, which starts in the background.

    Args:
        port: the port to listen on; 0 takes a free one.
        host: the address to listen on.
        settings: more environment variables, which moto reads.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._port = port
        self._host = host
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "local.moto.server", host, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **CREDENTIALS,
                **NO_CONFIGURATION,
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": str(_ROOT),
                **settings,
            },
            # Ctrl-C in the terminal is for the stack, which then ends this process.
            process_group=0,
        )

    def url(self) -> str:
        """Waits until the server listens; returns its address.

        Raises:
            StartError: it did not start.
        """
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        port = self._process.stdout.readline().decode().strip()
        if not port:
            raise StartError(
                f"moto's server, the store of this stack, did not start on {self._host}, port"
                f" {self._port}: is it in use?"
            )
        return f"http://{self._host}:{port}"

    def stop(self) -> None:
        """Ends the process, and deletes what it stored."""
        self._process.kill()
        self._process.communicate()
