"""What this process has started and what of it is still there."""

import os
from pathlib import Path
from threading import Thread
from threading import enumerate as living_threads


def children() -> set[int]:
    """The processes that this one has started and not yet seen the end of, as Linux lists them."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may have anything in it; the parent is the second after it.
            _, _, rest = (folder / "stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest.split()[1]) == os.getpid():
            found.add(int(folder.name))
    return found


def threads() -> set[Thread]:
    """The threads of this process."""
    return set(living_threads())
