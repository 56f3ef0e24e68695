"""usagectl's commands, run in this process: a process of its own takes half a second to start."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO, TextIOWrapper
from typing import Final
from unittest.mock import patch

from usagectl import local_endpoint
from usagectl.__main__ import main

NO_ACCOUNT: Final = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "COLUMNS": "200",
    "NO_COLOR": "1",
}
"""Environment variables with which a command finds no AWS account, and prints plain text."""

# Each new session reads botocore's descriptions of the services again.
_session: Final = cache(local_endpoint.session)


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The sentence of a command that fails."""
        assert self.code == 1, self
        (line,) = self.err.splitlines()
        return line


def run(*arguments: str, typed: str = "", **variables: str) -> Finished:
    """Runs a command.

    Args:
        arguments: the command line.
        typed: what a person types while it runs.
        variables: more environment variables.
    """
    out, err = (TextIOWrapper(BytesIO(), "utf-8", newline="") for _ in range(2))
    before = signal.getsignal(signal.SIGTERM)
    with (
        _environment(variables),
        patch.multiple(sys, stdin=TextIOWrapper(BytesIO(typed.encode())), stdout=out, stderr=err),
        patch.object(local_endpoint, "session", _session),
    ):
        code = main(arguments)
    signal.signal(signal.SIGTERM, before)
    return Finished(code, *map(_text_of, (out, err)))


def _text_of(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with patch.dict(os.environ, {**kept, **NO_ACCOUNT, **variables}, clear=True):
        yield
