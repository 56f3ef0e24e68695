"""The processes and threads that this process has started and that still exist."""

import os
from pathlib import Path
from threading import Thread
from threading import enumerate as running_threads


def children() -> dict[int, str]:
    """Returns this process's children, as Linux lists them: their ids, each with its store.

    The store is what a function's process has as DynamoDB's address, or an empty text. Processes of
    one stack have the same. A child that has ended is one of them until this process has waited for
    it.
    """
    stores = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name is in parentheses and may contain any character. The state follows it, and
            # then the parent's id.
            _, _, rest = (folder / "stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest.split()[1]) == os.getpid():
            stores[int(folder.name)] = _store_of(folder)
    return stores


def started_since(before: dict[int, str]) -> set[int]:
    """Returns the ids of the children that were started since then, by stacks that are new.

    A stack that was there before starts processes at any time, when its queues have messages.
    """
    known = {store for store in before.values() if store}
    return {
        number
        for number, store in children().items()
        if number not in before and store not in known
    }


def _store_of(folder: Path) -> str:
    try:
        variables = (folder / "environ").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    prefix = "AWS_ENDPOINT_URL_DYNAMODB="
    return next((v.removeprefix(prefix) for v in variables if v.startswith(prefix)), "")


def threads() -> set[Thread]:
    """Returns the threads of this process."""
    return set(running_threads())
