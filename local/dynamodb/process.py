"""DynamoDB Local, AWS's own engine, as a process on this machine.

moto stands in for DynamoDB where speed counts; this is the engine itself, in memory. Maven fetches
its jars once, as ``pom.xml`` says (``make dynamodb-local-jars``). Like moto's server it ends when
its standard input does, so that nothing can leave it behind.

It listens on 127.0.0.1 only. Where Java has no compiler it listens on every interface, as it does
by itself (see ``launcher``), and says so. It asks for no password: it is a place for made-up data.
"""

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local.aws import CREDENTIALS, NO_CONFIGURATION
from local.dynamodb.launcher import OPEN_SERVER, loopback_class
from local.errors import StartError

JARS_FOLDER: Final = Path(__file__).parents[2] / ".dynamodb-local"
"""The folder of the jars, and of the native library that lies among them."""

OLDEST_JAVA: Final = 17

_SERVER: Final = Path(__file__).with_name("server.py")
_VERSION: Final = re.compile(r'version "(?P<major>[0-9]+)')


class DynamoDBLocal:
    """A process with DynamoDB Local, in memory, that answers when this has been made.

    Args:
        port: where it is to listen; 0: on a free port.
        shared: whether all clients see the same tables. Otherwise those of every access key and
            region are a database of their own.

    Raises:
        StartError: it can't run here, or ended instead.
    """

    def __init__(self, port: int = 0, *, shared: bool = False) -> None:
        reason = why_unavailable()
        if reason is not None:
            raise StartError(reason)
        java = _java()
        assert java is not None  # noqa: S101 - checked above
        self.port: Final = _free_port(port)
        class_path, main_class = _to_run(java)
        command = [
            *(sys.executable, "-P", str(_SERVER), java, str(JARS_FOLDER)),
            *(class_path, main_class, str(self.port)),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "-sharedDb"] if shared else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**CREDENTIALS, **NO_CONFIGURATION, **_environment()},
            # Ctrl-C in the terminal is for whoever started this, who then ends it.
            process_group=0,
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        try:
            said = self._process.stdout.readline().decode().strip()
        except BaseException:
            self.stop()
            raise
        if said != str(self.port):
            self.stop()
            raise StartError(f"DynamoDB Local did not start: {said or 'it gave no reason'}")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        """Waits until the process ends by itself.

        Raises:
            StartError: it has.
        """
        self._process.wait()
        raise StartError("DynamoDB Local ended")

    def stop(self) -> None:
        """Ends the process; what it stored is gone."""
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


def why_unavailable() -> str | None:
    """Why DynamoDB Local can't run on this machine, in one sentence; None: it can."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        # Its storage is a native library, of which the registries have no others.
        return f"DynamoDB Local runs on x86-64 only, and this is {platform.machine()}"
    java = _java()
    major = None if java is None else _major_version(java)
    if major is None:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or later, and there is none here"
    if major < OLDEST_JAVA:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or later, and this is Java {major}"
    if not any(JARS_FOLDER.glob("DynamoDBLocal-*.jar")):
        return "DynamoDB Local is not here yet: make dynamodb-local-jars fetches it"
    return None


def _to_run(java: str) -> tuple[str, str]:
    """The class path and the main class.

    Raises:
        StartError: the class that listens on 127.0.0.1 can't be made.
    """
    jars = str(JARS_FOLDER / "*")
    compiled = loopback_class(java, JARS_FOLDER)
    if compiled is None:
        print(
            "DynamoDB Local listens on every interface of this machine: "
            "its Java has no compiler (the module jdk.compiler), which a JDK has.",
            file=sys.stderr,
            flush=True,
        )
        return jars, OPEN_SERVER
    return os.pathsep.join([jars, str(compiled.parent)]), compiled.stem


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}


def _java() -> str | None:
    """The program ``java``: JAVA_HOME's or, as other tools do without one, that on the path."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None)


def _major_version(java: str) -> int | None:
    """17 for Java 17.0.15, 1 for 1.8.0; None if it doesn't say, as where ``java`` is a stub."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = _VERSION.search(answer.stderr)
    return None if match is None else int(match["major"])


def _free_port(port: int) -> int:
    """``port``, or any free one for 0.

    Raises:
        StartError: it is in use, or may not be used.
    """
    try:
        with socket.create_server(("127.0.0.1", port)) as free:
            number: int = free.getsockname()[1]
            return number
    except OverflowError:
        raise StartError(f"there is no port {port}") from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StartError(f"DynamoDB Local can't listen on port {port}: {why}") from None
