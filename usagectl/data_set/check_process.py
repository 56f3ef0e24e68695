"""A process that checks lines: it reads batches of lines from standard input, and writes results.

Both are pickled. The process ends when its input ends, so also when the import is killed.
"""

import pickle
import sys
from typing import IO

from usagectl.data_set.encoded_items import check_lines
from usagectl.data_set.payload_files import PAYLOAD_FILES


def main(tasks: IO[bytes], results: IO[bytes]) -> None:
    """Checks batches until there are no more."""
    files = {file.name: file for file in PAYLOAD_FILES}
    while True:
        try:
            file, name, lines = pickle.load(tasks)  # noqa: S301 - it comes from the import
        except EOFError:
            return
        try:
            pickle.dump(check_lines(lines, files[file], name), results, pickle.HIGHEST_PROTOCOL)
            results.flush()
        except BrokenPipeError:
            return  # the import has ended meanwhile


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
