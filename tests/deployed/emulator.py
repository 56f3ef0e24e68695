"""ministack, an emulator of AWS, as a process on this machine.

It enforces IAM's policies, runs the functions with the Python of its own environment, and keeps all
in memory. It listens on free ports of 127.0.0.1, and ends with the process that started it.
"""

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from botocore.config import Config

from local.aws import CLIENT_CONFIG, NO_CONFIGURATION, REGION, session
from tests.deployed.certificates import make_certificates
from tests.support.functions import ROOT

PYTHON: Final = ROOT / ".venv-ministack" / "bin" / "python"
DOMAIN: Final = f"{REGION}.amazonaws.com"
LOG: Final = ROOT / ".aws-sam" / "ministack.log"
"""What ministack prints, for who has to find out why a check failed."""

_SERVER: Final = Path(__file__).with_name("server.py")
_START_SECONDS: Final = 60
_ROOT_USER: Final = "000000000000"
"""The access key of the account's root user. ministack doesn't check its secret."""

_SECRET: Final = "secret"
_CONFIG: Final = CLIENT_CONFIG.merge(Config(read_timeout=300))


class EmulatorError(Exception):
    """ministack can't be used. The message is the reason, and what to do."""


class Emulator:
    """A process with ministack. Making it waits until it responds.

    Args:
        folder: an empty folder for its files.

    Attributes:
        authority: the file of the certificate authority that its clients trust.
        url: its address.
        proxy: the address of a proxy, by which clients reach it under the names of AWS.

    Raises:
        EmulatorError: it did not start.
    """

    def __init__(self, folder: Path) -> None:
        if not PYTHON.exists():
            raise EmulatorError("ministack is not installed: make deploy-check installs it")
        certificates = make_certificates(folder, f"*.execute-api.{DOMAIN}", f"*.s3.{DOMAIN}")
        self.authority: Final = certificates.authority
        files = (certificates.server, certificates.key)
        LOG.parent.mkdir(exist_ok=True)
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_server(("127.0.0.1", 0)) as tunnel,
            LOG.open("wb") as log,
        ):
            self.url: Final = f"https://127.0.0.1:{listener.getsockname()[1]}"
            self.proxy: Final = f"http://127.0.0.1:{tunnel.getsockname()[1]}"
            sockets = (listener.fileno(), tunnel.fileno())
            self._process = subprocess.Popen(
                [PYTHON, "-P", _SERVER, *map(str, sockets), *files, DOMAIN],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                pass_fds=sockets,
                env=self._server_environment(folder, listener.getsockname()[1], *files),
                # Ctrl-C in the terminal is for the parent process, which then ends this one.
                process_group=0,
            )
        try:
            self._wait_for_response()
        except BaseException:
            self.stop()
            raise

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of commands that shall reach it, and no other AWS."""
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **NO_CONFIGURATION,
            "AWS_ACCESS_KEY_ID": _ROOT_USER,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.authority),
            **self.proxy_variables,
            "SAM_CLI_TELEMETRY": "0",
        }

    @property
    def proxy_variables(self) -> Mapping[str, str]:
        """The environment variables by which a process reaches it under the names of AWS."""
        return {
            "SSL_CERT_FILE": str(self.authority),
            "HTTPS_PROXY": self.proxy,
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def tls(self) -> ssl.SSLContext:
        """What a client needs to know that it talks to this process."""
        return ssl.create_default_context(cafile=self.authority)

    def client(self, service: Any) -> Any:
        """Returns a client of one of its services."""
        return session().client(
            service,
            endpoint_url=self.url,
            verify=str(self.authority),
            config=_CONFIG,
            aws_access_key_id=_ROOT_USER,
            aws_secret_access_key=_SECRET,
        )

    def stop(self) -> None:
        """Ends the process and those of the functions."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @staticmethod
    def _server_environment(
        folder: Path, port: int, certificate: Path, key: Path
    ) -> Mapping[str, str]:
        """Returns its environment variables, which the functions get, too."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            # The code of the functions.
            "TMPDIR": str(folder),
            **NO_CONFIGURATION,
            "AUTH": "true",
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": DOMAIN,
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(key),
            "AWS_CA_BUNDLE": str(folder / "authority.pem"),
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        }

    def _wait_for_response(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                httpx.get(
                    f"{self.url}/_ministack/health", verify=self.tls, trust_env=False
                ).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
        printed = LOG.read_text("utf-8", "replace").splitlines()
        raise EmulatorError("\n".join(["ministack did not start. It printed:", *printed[-20:]]))
