"""A function's process as Lambda would run it: events in, one a line; answers out, with their CPU.

Its arguments are a folder, a module in it, and the number of the file descriptor for answers;
standard output is the function's own. Nothing but the standard library is imported, so that a cold
start costs what the function costs.
"""

import importlib
import json
import os
import sys
import time
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


def main(folder: str, module: str, answers: int) -> None:
    """Imports the handler, and answers events until there are no more."""
    sys.path.insert(0, folder)
    handler: Any = importlib.import_module(module).lambda_handler
    with os.fdopen(answers, "w") as out:
        for line in sys.stdin:
            event = json.loads(line)
            started = time.process_time()
            answer = handler(event, Context())
            spent = time.process_time() - started
            out.write(json.dumps({"cpu": spent, "answer": answer}) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
