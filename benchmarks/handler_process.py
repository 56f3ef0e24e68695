"""The program that runs a function for benchmarks.

It reads events from standard input, one a line, and writes results with their CPU to a file
descriptor; standard output belongs to the function. Its arguments are a folder, a module in it, and
the file descriptor. With ``snapshot`` as the fourth, it runs the function's hooks as if a snapshot
were restored before the first event, and counts no CPU before that. It imports the standard library
only, so that a cold start costs what the function costs.
"""

import importlib
import json
import os
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any


class Context:
    """What Lambda passes as a handler's second argument."""

    function_name = "benchmark"
    function_version = "$LATEST"
    memory_limit_in_mb = "1769"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
    aws_request_id = "11111111-2222-3333-4444-555555555555"
    log_group_name = log_stream_name = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds until the function would be stopped: as many as ever."""
        return 300_000


def peak_memory() -> int | None:
    """Returns the most bytes of memory that this process has had so far; Linux knows."""
    with suppress(OSError), open("/proc/self/status") as status:  # noqa: PTH123 - see above
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def take_snapshot() -> list[partial[object]]:
    """Runs the hooks that Lambda runs before a snapshot; returns those for after the restore."""
    hooks: Any = importlib.import_module("snapshot_restore_py")
    for function, arguments, options in reversed(hooks.get_before_snapshot()):
        function(*arguments, **options)
    return [
        partial(f, *arguments, **options) for f, arguments, options in hooks.get_after_restore()
    ]


def main(folder: str, module: str, results_descriptor: int, has_snapshot: bool) -> None:
    """Imports the handler, and handles events until there are no more."""
    sys.path.insert(0, folder)
    handler: Any = importlib.import_module(module).lambda_handler
    after_restore = take_snapshot() if has_snapshot else []
    with os.fdopen(results_descriptor, "w") as out:
        for line in sys.stdin:
            event = json.loads(line)
            started = time.process_time()
            while after_restore:
                after_restore.pop()()
            result = handler(event, Context())
            spent = time.process_time() - started
            out.write(json.dumps({"cpu": spent, "result": result, "peak": peak_memory()}) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:] == ["snapshot"])
