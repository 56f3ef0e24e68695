"""DynamoDB Local, AWS's own engine, as a process on this machine.

moto imitates DynamoDB, and starts fast; this is the engine itself, in memory. Maven downloads its
jars once, as ``pom.xml`` says (``make dynamodb-local-jars``). Like moto's process it ends when its
standard input is closed, so it can't outlive the process that started it.

It listens on 127.0.0.1 only. If Java has no compiler, it listens on every interface, as DynamoDB
Local does by default (see ``launcher``), and a line says so. It needs no password: use made-up data
only.
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
"""The folder of the jars and of a native library."""

MIN_JAVA_VERSION: Final = 17

_LITTLE_COMPILING: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's options that make its start cheap, and what runs for long slower."""

_SERVER: Final = Path(__file__).with_name("server.py")
_VERSION: Final = re.compile(r'version "(?P<major>[0-9]+)')


class DynamoDBLocal:
    """A process with DynamoDB Local, in memory. Making it waits until the server responds.

    Args:
        port: the port to listen on; 0 takes a free one.
        shared: whether all clients see the same tables. Otherwise each access key and region has
            its own.
        is_brief: whether it will serve few rows. Then Java compiles less, which takes half the CPU
            time. From some ten thousand rows on, it would take more.

    Raises:
        StartError: it can't run here, or did not start.
    """

    def __init__(self, port: int = 0, *, shared: bool = False, is_brief: bool = False) -> None:
        reason = why_unavailable()
        if reason is not None:
            raise StartError(reason)
        java = _java()
        assert java is not None  # noqa: S101 - checked above
        self.port: Final = _free_port(port)
        class_path, main_class = _class_path_and_main_class(java)
        command = [
            *(sys.executable, "-P", str(_SERVER), java, _LITTLE_COMPILING if is_brief else ""),
            *(str(JARS_FOLDER), class_path, main_class, str(self.port)),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "-sharedDb"] if shared else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**CREDENTIALS, **NO_CONFIGURATION, **_environment()},
            # Ctrl-C in the terminal is for the parent process, which then ends this one.
            process_group=0,
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        try:
            first_line = self._process.stdout.readline().decode().strip()
        except BaseException:
            self.stop()
            raise
        if first_line != str(self.port):
            self.stop()
            raise StartError(f"DynamoDB Local did not start: {first_line or 'it gave no reason'}")

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        """Waits until the process ends by itself.

        Raises:
            StartError: the process has ended.
        """
        self._process.wait()
        raise StartError("DynamoDB Local ended")

    def stop(self) -> None:
        """Ends the process, and deletes what it stored."""
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
    """Returns the reason why DynamoDB Local can't run here, as one sentence, or None if it can."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        # Its storage is a native library, and Maven has it for x86-64 only.
        return f"DynamoDB Local runs on x86-64 only, and this is {platform.machine()}"
    java = _java()
    major = None if java is None else _major_version(java)
    if major is None:
        return f"DynamoDB Local needs Java {MIN_JAVA_VERSION} or later, and there is none here"
    if major < MIN_JAVA_VERSION:
        return f"DynamoDB Local needs Java {MIN_JAVA_VERSION} or later, and this is Java {major}"
    if not any(JARS_FOLDER.glob("DynamoDBLocal-*.jar")):
        return "DynamoDB Local is not installed: make dynamodb-local-jars downloads it"
    return None


def _class_path_and_main_class(java: str) -> tuple[str, str]:
    """Returns the class path and the main class.

    Raises:
        StartError: the class that listens on 127.0.0.1 can't be compiled.
    """
    jars = str(JARS_FOLDER / "*")
    compiled = loopback_class(java, JARS_FOLDER)
    if compiled is None:
        print(
            "DynamoDB Local listens on every interface of this machine: "
            "this Java has no compiler (the module jdk.compiler). A JDK has one.",
            file=sys.stderr,
            flush=True,
        )
        return jars, OPEN_SERVER
    return os.pathsep.join([jars, str(compiled.parent)]), compiled.stem


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}


def _java() -> str | None:
    """Returns the program ``java`` of JAVA_HOME, or the one on PATH if JAVA_HOME is not set."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None)


def _major_version(java: str) -> int | None:
    """Returns 17 for Java 17.0.15 and 1 for 1.8.0, or None if ``java`` doesn't print a version."""
    result = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = _VERSION.search(result.stderr)
    return None if match is None else int(match["major"])


def _free_port(port: int) -> int:
    """Returns ``port``, or a free one if it is 0.

    Raises:
        StartError: the port is in use, or can't be used.
    """
    try:
        with socket.create_server(("127.0.0.1", port)) as free:
            number: int = free.getsockname()[1]
            return number
    except OverflowError:
        raise StartError(f"there is no port {port}") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise StartError(f"DynamoDB Local can't listen on port {port}: {reason}") from None
