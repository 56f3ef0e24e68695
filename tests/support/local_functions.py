"""Small functions for the local stack, written to a folder, and waiting for what they do."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from local.functions.configuration import FunctionConfiguration

DEADLINE = 300.0
"""Seconds after which a test stops to wait, even on a slow machine."""


def write_function(
    folder: Path, source: str, timeout: float = 30.0, name: str = "Function"
) -> FunctionConfiguration:
    """Writes ``source`` to a module whose ``handle`` is the function."""
    folder.mkdir(exist_ok=True)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:stack-{name}"
    (folder / "app.py").write_text(dedent(source), "utf-8")
    return FunctionConfiguration(
        logical_id=name,
        name=f"stack-{name}",
        arn=arn,
        folder=folder,
        timeout=timeout,
        environment={
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_NAME": f"stack-{name}",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": "app.handle",
        },
        versions={arn: "$LATEST", f"{arn}:1": "1", f"{arn}:live": "1"},
    )


def runs(pid: int) -> bool:
    """Returns whether a process exists, also if it has ended and its parent has not noticed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(happened: Callable[[], object]) -> None:
    """Waits until ``happened`` returns something true; fails the test if it never does."""
    end = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.01)
