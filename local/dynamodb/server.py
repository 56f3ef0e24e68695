"""The program of DynamoDB Local's process: runs Java until standard input is closed.

It prints the port when the server responds, or else the reason why it does not. If the parent
process were killed, Java would keep running; this program always ends it.
"""

import os
import socket
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

START_TIMEOUT: Final = 60
"""Seconds to wait until the server responds. On an idle machine, it takes one or two."""


def main(
    java: str,
    java_options: str,
    jars: str,
    class_path: str,
    main_class: str,
    port: str,
    *options: str,
) -> None:
    """Serves on ``port`` until standard input is closed or Java ends.

    Args:
        java: the program.
        java_options: Java's own options, divided by spaces.
        jars: the folder of the native library.
        class_path, main_class: what Java runs.
        port: the port.
        options: DynamoDB Local's options.
    """
    # Java unpacks a library into its temporary folder, and does not delete it.
    with TemporaryDirectory(prefix="dynamodb-local-", ignore_cleanup_errors=True) as folder:
        serve(
            [
                java,
                # Java will be killed, and this option's file would stay.
                "-XX:-UsePerfData",
                *java_options.split(),
                f"-Djava.library.path={jars}",
                f"-Djava.io.tmpdir={folder}",
                *("-cp", class_path, main_class),
                *("-inMemory", "-disableTelemetry", "-port", port, *options),
            ],
            port,
        )
    # A thread may still be waiting for input.
    os._exit(0)


def serve(command: list[str], port: str) -> None:
    """Runs ``command`` until it ends; prints ``port`` when it responds."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    reasons: list[str] = []
    reader = Thread(target=_read_output, args=(process, reasons), daemon=True)
    reader.start()
    Thread(target=_end_with_input, args=(process,), daemon=True).start()
    if _wait_for_response(process, int(port)):
        print(port, flush=True)
        process.wait()
    else:
        process.kill()
        process.wait()
        reader.join()
        print(reasons[0] if reasons else f"it did not respond within {START_TIMEOUT} s", flush=True)


def _end_with_input(process: subprocess.Popen[str]) -> None:
    sys.stdin.buffer.read()
    process.kill()


def _read_output(process: subprocess.Popen[str], reasons: list[str]) -> None:
    """Reads what Java prints, so that it never waits for a reader; keeps lines with errors."""
    assert process.stdout is not None  # noqa: S101 - a pipe
    reasons.extend(
        line.strip() for line in process.stdout if "Exception" in line or line.startswith("Error")
    )


def _wait_for_response(process: subprocess.Popen[str], port: int) -> bool:
    """Waits until the port is open; returns False if that takes too long, or Java ends before."""
    end = time.monotonic() + START_TIMEOUT
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
