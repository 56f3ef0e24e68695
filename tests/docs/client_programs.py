"""The programs of docs/clients.md, and what runs them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.docs.extraction import ROOT
from tests.docs.prepared_api import Received

FOLDER: Final = ROOT / "examples" / "clients"


@dataclass(frozen=True)
class Program:
    """A program of docs/clients.md.

    Attributes:
        file: its name.
        language: the language of its block in the document.
        command: what runs it.
        check: arguments of the command that succeed if it can run the program.
        needs: what must be installed.
    """

    file: str
    language: str
    command: str
    check: tuple[str, ...]
    needs: str

    @property
    def path(self) -> Path:
        """Its file."""
        return FOLDER / self.file

    def run(self, url: str, token: str, days: tuple[str, str], **variables: str) -> "Outcome":
        """Runs it, and returns how it ended.

        Args:
            url: the API's address.
            token: the caller's token.
            days: the first and the last day.
            variables: more variables of the environment, or other values.
        """
        done = subprocess.run(
            [self.command, str(self.path), *days],
            env={
                "PATH": os.environ["PATH"],
                # A slash and a line break, which are easily left at the end.
                "USAGE_URL": f"{url}/",
                "USAGE_TOKEN": f"{token}\n",
                "USAGE_WORKSPACE": "11",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code, what it printed, and the requests that it made.

    Attributes:
        status: the exit code.
        rows: what was printed to stdout.
        messages: what was printed to stderr.
        received: the requests, if a prepared API received them.
    """

    status: int
    rows: str
    messages: str
    received: tuple[Received, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The paths of the requests with their query strings, in order."""
        return [request.path for request in self.received]


PROGRAMS: Final = (
    Program("list_usage.py", "python", sys.executable, ("-c", ""), "Python"),
    Program(
        "list_usage.mts",
        "typescript",
        "node",
        ("-e", "process.exit(process.features.typescript ? 0 : 1)"),
        "Node.js 22.18 or newer",
    ),
    Program(
        "list_usage.php",
        "php",
        "php",
        ("-r", 'exit(extension_loaded("curl") && extension_loaded("bcmath") ? 0 : 1);'),
        "PHP with the extensions curl and bcmath",
    ),
)

each_program = pytest.mark.parametrize(
    "program", [pytest.param(program, id=program.language) for program in PROGRAMS]
)


@cache
def can_run(program: Program) -> bool:
    """Returns whether the program's language is on this machine."""
    if shutil.which(program.command) is None:
        return False
    return not subprocess.run([program.command, *program.check], check=False).returncode


def need(program: Program) -> None:
    """Skips the test if the program's language is not on this machine."""
    if not can_run(program):
        pytest.skip(f"{program.file} needs {program.needs}")
