"""The command behind ``make dynamodb-local``: runs DynamoDB Local until a signal."""

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
        description="Runs DynamoDB Local in memory. All clients see the same tables.",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="the port to listen on (8000; 0: any free one)"
    )
    options = parser.parse_args(arguments)
    # Process managers send SIGTERM.
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
