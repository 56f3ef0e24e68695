"""The processes and threads that this process has started and that still exist."""

import os
from pathlib import Path
from threading import Thread
from threading import enumerate as running_threads


def children() -> set[int]:
    """Returns the ids of this process's children, as Linux lists them.

    A child that has ended is one of them until this process has waited for it.
    """
    ids = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name is in parentheses and may contain any character. The state follows it, and
            # then the parent's id.
            _, _, rest = (folder / "stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest.split()[1]) == os.getpid():
            ids.add(int(folder.name))
    return ids


def threads() -> set[Thread]:
    """Returns the threads of this process."""
    return set(running_threads())
