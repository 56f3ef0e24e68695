"""``make dynamodb-local``: DynamoDB Local on a port of one's choice, until it is told to stop."""

import argparse
import signal
import sys
from collections.abc import Sequence

from local.dynamodb.process import DynamoDBLocal
from local.errors import StartError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs DynamoDB Local until a signal ends it; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local.dynamodb",
        description="DynamoDB Local, in memory: whoever connects sees the same tables.",
    )
    parser.add_argument("--port", type=int, default=8000, help="where to listen (8000; 0: any)")
    options = parser.parse_args(arguments)
    # What process managers send ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print("Starting DynamoDB Local ...", flush=True)
        with DynamoDBLocal(options.port, shared=True) as engine:
            print(f"\nDynamoDB Local is at {engine.url}\n")
            print(f"  DYNAMODB_ENDPOINT={engine.url} make run\n")
            print("Ctrl-C stops it.", flush=True)
            engine.wait()
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 0
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
