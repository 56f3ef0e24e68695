"""Runs a scanner's program, and reads the JSON that it prints."""

import json
import os
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any


class FailedScan(Exception):
    """A scanner did not do its work. The message says which, and what it printed."""


def run_for_json(
    command: Sequence[str | Path], folder: Path, exit_codes: Collection[int] | None = None
) -> Any:
    """Returns what a program prints, which is JSON.

    It gets an empty home, so that no settings of the person who runs it count.

    Args:
        command: the program and its arguments.
        folder: the folder to run it in.
        exit_codes: those that mean that it has done its work, or None for any.

    Raises:
        FailedScan: it ended with another code, or printed something else.
    """
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(  # noqa: S603 - scanners of ours
            command,
            cwd=folder,
            env={**os.environ, "HOME": home, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    name = Path(command[0]).name
    if exit_codes is not None and done.returncode not in exit_codes:
        raise FailedScan(f"{name} ended with {done.returncode}: {done.stderr or done.stdout}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise FailedScan(f"{name} printed no JSON: {done.stdout}{done.stderr}") from None
