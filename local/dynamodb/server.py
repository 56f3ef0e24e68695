"""DynamoDB Local's process: runs Java, prints the port when it answers, and ends with its input.

Java would outlive whoever started it, were that one killed; this ends Java in any case. Should Java
not come to answer, what is printed in the port's place is why.
"""

import os
import socket
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

PATIENCE: Final = 60
"""Seconds within which it has to answer. On a quiet machine it does after one or two."""


def main(java: str, jars: str, class_path: str, main_class: str, port: str, *options: str) -> None:
    """Serves on ``port`` until standard input or Java ends."""
    # Java unpacks a library into its temporary folder, and leaves it there.
    with TemporaryDirectory(prefix="dynamodb-local-", ignore_cleanup_errors=True) as folder:
        serve(
            [
                java,
                # Java is killed rather than asked to end, and must leave no file behind then.
                "-XX:-UsePerfData",
                f"-Djava.library.path={jars}",
                f"-Djava.io.tmpdir={folder}",
                *("-cp", class_path, main_class),
                *("-inMemory", "-disableTelemetry", "-port", port, *options),
            ],
            port,
        )
    # One thread may still be waiting for input.
    os._exit(0)


def serve(command: list[str], port: str) -> None:
    """Runs ``command`` and prints ``port`` when it answers; returns when it has ended."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    reasons: list[str] = []
    listening = Thread(target=_listen, args=(process, reasons), daemon=True)
    listening.start()
    Thread(target=_end_with_input, args=(process,), daemon=True).start()
    if _answers(process, int(port)):
        print(port, flush=True)
        process.wait()
    else:
        process.kill()
        process.wait()
        listening.join()
        print(reasons[0] if reasons else f"it did not answer within {PATIENCE} s", flush=True)


def _end_with_input(process: subprocess.Popen[str]) -> None:
    sys.stdin.buffer.read()
    process.kill()


def _listen(process: subprocess.Popen[str], reasons: list[str]) -> None:
    """Reads what Java prints, lest it wait for a reader, and keeps the lines that are errors."""
    assert process.stdout is not None  # noqa: S101 - a pipe
    reasons.extend(
        line.strip() for line in process.stdout if "Exception" in line or line.startswith("Error")
    )


def _answers(process: subprocess.Popen[str], port: int) -> bool:
    """Waits until the port is open; False if that takes too long, or Java ends before."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


if __name__ == "__main__":
    main(*sys.argv[1:])
