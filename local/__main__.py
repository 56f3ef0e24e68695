"""The command behind ``make run``: starts the stack, loads data, and serves until a signal."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn

from local.data.loading import Demo, OwnDataSet, ServedData
from local.errors import StartError
from local.log import JsonLog, Log, TextLog, WriteLine
from local.stack import TEMPLATE, Stack
from local.store.choice import StoreKind, choose_store
from usagectl.errors import LoadError, UnreadableFile

LOOPBACK: Final = "127.0.0.1"


class _Arguments(argparse.ArgumentParser):
    """A parser whose error messages are one sentence."""

    def error(self, message: str) -> NoReturn:
        raise StartError(f"{message} (python -m local --help tells more)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the stack until a signal ends it; returns the exit code."""
    # Process managers send SIGTERM.
    stop = _Stop()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        run(_parser().parse_args(arguments))
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 0
    except (LoadError, StartError, UnreadableFile) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(options: argparse.Namespace) -> None:
    """Runs the stack until it is interrupted.

    Raises:
        KeyboardInterrupt: a signal came, and the stack has stopped.
        StartError, LoadError, UnreadableFile: it could not start.
    """
    if options.data is not None and not options.data.is_dir():
        raise StartError(f"there is no folder {options.data}")
    print(f"Starting the stack of {options.template} ...", flush=True)
    with ExitStack() as parts:
        store = choose_store(
            os.environ.get("DYNAMODB_ENDPOINT") or None,
            StoreKind(options.store) if options.store else None,
            has_moto_address=bool(options.store_port) or options.store_host != LOOPBACK,
            parts=parts,
        )
        print(store.sentence, flush=True)
        data: ServedData = OwnDataSet(options.data) if options.data else Demo()
        stack = parts.enter_context(
            Stack.start(
                options.template,
                dict(options.parameters),
                port=options.port,
                dynamodb_endpoint=store.endpoint,
                store_port=options.store_port,
                store_host=options.store_host,
                log=_LOGS[options.log](_Lines().write),
                load=data.load,
                demo=data.accounts,
            )
        )
        print(data.banner(stack.url), flush=True)
        while True:
            # Not signal.pause(): if two signals come at once, another thread may take both, and
            # would not wake this one, in which Python handles them.
            time.sleep(0.5)


class _Stop:
    """Stops the stack at the first signal.

    It ignores a second Ctrl-C, which could interrupt the stopping and leave processes behind.
    """

    def __init__(self) -> None:
        self._is_stopping = False

    def __call__(self, *_: object) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = _Arguments(
        prog="python -m local",
        description="Serves the stack of template.yaml on this machine, at 127.0.0.1.",
        epilog="The environment variable DYNAMODB_ENDPOINT names a DynamoDB that already runs.",
    )
    parser.add_argument(
        "parameters",
        nargs="*",
        type=_parameter,
        metavar="Name=value",
        help="a parameter of the template, such as DefaultLocale=es",
    )
    parser.add_argument("--port", type=int, default=3000, help="the port to serve on (3000)")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="a data set to load instead of the demo"
    )
    parser.add_argument(
        "--store",
        choices=[kind.value for kind in StoreKind],
        help="the store for the tables (dynamodb-local if it is installed, else moto)",
    )
    parser.add_argument(
        "--log",
        choices=tuple(_LOGS),
        default="text",
        help="a readable line for each request (text), or the lines of CloudWatch (json)",
    )
    parser.add_argument(
        "--store-port", type=int, default=0, metavar="PORT", help="the port of moto (any free one)"
    )
    parser.add_argument(
        "--store-host",
        default=LOOPBACK,
        metavar="ADDRESS",
        help="the address of moto, which containers have to reach (127.0.0.1)",
    )
    parser.add_argument(
        "--template", type=Path, default=TEMPLATE, metavar="FILE", help="another template to serve"
    )
    return parser


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form Name=value")
    return name, value


_LOGS: Final[Mapping[str, Callable[[WriteLine], Log]]] = {"text": TextLog, "json": JsonLog}


class _Lines:
    """Writes whole lines to standard error, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()

    def write(self, line: str) -> None:
        """Writes one line."""
        with self._lock:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
