"""``make run``: starts the stack, loads a data set, and serves until it is told to stop."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Final, NoReturn, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from local.banner import data_banner, demo_banner
from local.demo import DemoAccount, write
from local.errors import StartError
from local.log import JsonLog, Log, TextLog, Write
from local.stack import TEMPLATE, Stack
from local.store_choice import Store, choose_store
from local.suggestion import suggest
from usagectl.data_set.payload_files import count_lines
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError, UnreadableFile
from usagectl.loading.loader import Loader
from usagectl.resources import Resources

REJECTIONS_SHOWN: Final = 20
LOOPBACK: Final = "127.0.0.1"
QUIET_SECONDS: Final = 1.0
"""How long loading may take before it shows a progress bar."""


class _Arguments(argparse.ArgumentParser):
    """Arguments whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        raise StartError(f"{message} (python -m local --help tells more)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the stack until a signal ends it; returns the exit code."""
    # What process managers send ends it as Ctrl-C does.
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
        KeyboardInterrupt: it was told to stop, and has.
        StartError, LoadError, UnreadableFile: it could not start.
    """
    if options.data is not None and not options.data.is_dir():
        raise StartError(f"there is no folder {options.data}")
    print(f"Starting the stack of {options.template} ...", flush=True)
    with ExitStack() as parts:
        store = choose_store(
            os.environ.get("DYNAMODB_ENDPOINT") or None,
            Store(options.store) if options.store else None,
            is_moto_placed=bool(options.store_port) or options.store_host != LOOPBACK,
            parts=parts,
        )
        print(store.sentence, flush=True)
        data = _Data(options.data) if options.data else _Demo()
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
            )
        )
        print(data.banner(stack.url), flush=True)
        while True:
            signal.pause()


class _Stop:
    """Handles the signals that end it: the first does.

    A second Ctrl-C changes nothing, lest it leave half of the stack behind.
    """

    def __init__(self) -> None:
        self._is_stopping = False

    def __call__(self, *_: object) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            raise KeyboardInterrupt


class _Demo:
    """The demo's data."""

    def __init__(self) -> None:
        self._accounts: Sequence[DemoAccount] = ()

    def load(self, destination: Resources) -> None:
        """Makes it and puts it into the store."""
        with tempfile.TemporaryDirectory() as folder:
            self._accounts = write(Path(folder), datetime.now(UTC))
            _load(destination, Path(folder))

    def banner(self, url: str) -> str:
        """What a person reads when it is served."""
        return demo_banner(url, self._accounts)


class _Data:
    """A data set of the user's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, destination: Resources) -> None:
        """Puts it into the store."""
        print(f"Loading {self._folder} ...", flush=True)
        print(f"Loaded {_load(destination, self._folder)}.", flush=True)

    def banner(self, url: str) -> str:
        """What a person reads when it is served."""
        return data_banner(url, suggest(self._folder, datetime.now(UTC).date()))


def _parser() -> argparse.ArgumentParser:
    parser = _Arguments(
        prog="python -m local",
        description="The stack of template.yaml on this machine, at 127.0.0.1.",
        epilog="DYNAMODB_ENDPOINT in the environment names a DynamoDB that runs already.",
    )
    parser.add_argument(
        "parameters",
        nargs="*",
        type=_parameter,
        metavar="Name=value",
        help="a parameter of the template, such as DefaultLocale=es",
    )
    parser.add_argument("--port", type=int, default=3000, help="where to serve (3000)")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="a data set to load, instead of a demo"
    )
    parser.add_argument(
        "--store",
        choices=tuple(Store),
        help="where rows are kept (dynamodb-local where it is there, else moto)",
    )
    parser.add_argument(
        "--log",
        choices=tuple(_LOGS),
        default="text",
        help="a line for people for each request (text), or what CloudWatch would have (json)",
    )
    parser.add_argument(
        "--store-port", type=int, default=0, metavar="PORT", help="where moto serves (any free)"
    )
    parser.add_argument(
        "--store-host",
        default=LOOPBACK,
        metavar="ADDRESS",
        help="the address that moto serves at, for containers (127.0.0.1)",
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


_LOGS: Final[Mapping[str, Callable[[Write], Log]]] = {"text": TextLog, "json": JsonLog}


class _Lines:
    """Writes lines to standard error, whole, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()

    def write(self, line: str) -> None:
        """Writes one line."""
        with self._lock:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def _load(destination: Resources, folder: Path) -> str:
    """Loads a data set, says which lines were not loaded, and returns in words what was."""
    with _Rejections() as rejections, _Bar(count_lines(folder)) as bar:
        loader = Loader(destination, advance=bar.advance, reject=rejections.add)
        report = loader.load(folder)
    if report.uncounted:
        print("Pages far down will be slow: not all rows could be counted.", file=sys.stderr)
    loaded = (f"{number:,} from {file}" for file, number in report.loaded.items() if number)
    return ", ".join(loaded) or "nothing"


class _Rejections:
    """Shows the first lines that can't be used, and if they are many puts all into a file."""

    def __init__(self) -> None:
        self._first: list[Rejection] = []
        self._number = 0
        self._file: IO[str] | None = None

    def add(self, rejection: Rejection) -> None:
        """Takes one more."""
        self._number += 1
        if self._number <= REJECTIONS_SHOWN:
            self._first.append(rejection)
            return
        file = self._file or self._open()
        file.write(f"{rejection}\n")

    def _open(self) -> IO[str]:
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed in __exit__
            "w", prefix="rejected-", suffix=".txt", delete=False, encoding="utf-8"
        )
        self._file.writelines(f"{earlier}\n" for earlier in self._first)
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._number:
            print(f"{self._number} lines can't be used:", file=sys.stderr)
        for rejection in self._first:
            print(f"  {rejection}", file=sys.stderr)
        if self._file is not None:
            print(f"  and more: all of them are in {self._file.name}", file=sys.stderr)


class _Bar:
    """A progress bar that appears when there is time to look at it."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("lines"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=total)
        self._show_at = time.monotonic() + QUIET_SECONDS

    def advance(self, lines: int) -> None:
        """So many more lines are done."""
        self._progress.advance(self._task, lines)
        if not self._progress.live.is_started and time.monotonic() > self._show_at:
            self._progress.start()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


if __name__ == "__main__":
    sys.exit(main())
