"""A function's process as Lambda would run it: events in, one a line; answers out, with their CPU.

Its arguments are a folder, a module in it, the number of the file descriptor for answers, and
whether a snapshot of the process is restored before the first event: ``snapshot`` runs the
function's hooks for that, and what it does before counts for nothing. Standard output is the
function's own. Nothing but the standard library is imported, so that a cold
start costs what the function costs.
"""

import importlib
import json
import os
import sys
import time
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
        """Milliseconds until the function would be stopped."""
        return 20_000


def take_snapshot() -> list[partial[object]]:
    """Runs the hooks for before a snapshot, as Lambda does; returns those for after its restore."""
    hooks: Any = importlib.import_module("snapshot_restore_py")
    for function, arguments, options in reversed(hooks.get_before_snapshot()):
        function(*arguments, **options)
    return [
        partial(f, *arguments, **options) for f, arguments, options in hooks.get_after_restore()
    ]


def main(folder: str, module: str, answers: int, snapshot: bool) -> None:
    """Imports the handler, and answers events until there are no more."""
    sys.path.insert(0, folder)
    handler: Any = importlib.import_module(module).lambda_handler
    restore = take_snapshot() if snapshot else []
    with os.fdopen(answers, "w") as out:
        for line in sys.stdin:
            event = json.loads(line)
            started = time.process_time()
            while restore:
                restore.pop()()
            answer = handler(event, Context())
            spent = time.process_time() - started
            out.write(json.dumps({"cpu": spent, "answer": answer}) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:] == ["snapshot"])
