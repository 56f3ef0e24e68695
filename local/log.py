"""The stack's log: one line a request, and what functions complain about.

    21:04:11 GET /workspaces/usage?range=7d 200 12 ms user 1 workspace 11 cache miss
    21:04:15 RecorderFunction warning: rejected: detail: execution.credits: must be a number

``TextLog`` is for people. ``JsonLog`` has what CloudWatch would have: the stage's access log, and
every line of the functions. Neither has a header, a body or a token in it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

MAX_TARGET_LENGTH: Final = 200
"""Characters of a path with its query string that are shown."""

_TOKEN: Final = re.compile(r"\b[0-9]+(?:\||%7[Cc])[^&]*")
"""What looks like a token in a query string, where it has no business to be."""

_COMPLAINTS: Final = {"WARNING", "ERROR", "CRITICAL"}

type WriteLine = Callable[[str], object]
"""Writes one line."""


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """A request that was answered, as far as a log may know it.

    Attributes:
        method: its method.
        target: its path with its query string, not decoded.
        status: the answer's status.
        milliseconds: how long it took.
        user_id, workspace_id: who asked and for what, if the authorizer said so.
        cache: ``hit`` or ``miss``, if the cache was asked.
        access_line: the line of the stage's access log, if there is one.
    """

    method: str
    target: str
    status: int
    milliseconds: int
    user_id: str | None = None
    workspace_id: str | None = None
    cache: str | None = None
    access_line: str = ""

    def __str__(self) -> str:
        target = _TOKEN.sub("…", self.target)
        if len(target) > MAX_TARGET_LENGTH:
            target = f"{target[:MAX_TARGET_LENGTH]}…"
        named = {"user": self.user_id, "workspace": self.workspace_id, "cache": self.cache}
        details = [f"{name} {value}" for name, value in named.items() if value is not None]
        return " ".join(
            [self.method, target, str(self.status), f"{self.milliseconds} ms", *details]
        )


class Log(Protocol):
    """Where the stack says what happens; from any thread."""

    def request(self, served: ServedRequest) -> None:
        """Takes a request that was answered."""

    def function(self, name: str, line: str) -> None:
        """Takes a line that the function ``name`` wrote."""

    def note(self, text: str) -> None:
        """Takes a remark of the stack itself."""


class NoLog:
    """A log that keeps nothing."""

    def request(self, served: ServedRequest) -> None:
        """Does nothing."""

    def function(self, name: str, line: str) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Does nothing."""


class TextLog:
    """A log for people, each line with the time of day.

    Of a function's structured lines it shows warnings and errors, and of its other lines all: the
    traceback of a crash, and what a developer prints.
    """

    def __init__(self, write: WriteLine) -> None:
        self._write = write

    def request(self, served: ServedRequest) -> None:
        """Writes one line."""
        self.note(str(served))

    def function(self, name: str, line: str) -> None:
        """Writes the line in a form for people, or nothing."""
        for text in _readable(line):
            self.note(f"{name} {text}")

    def note(self, text: str) -> None:
        """Writes the text."""
        self._write(f"{datetime.now().astimezone():%H:%M:%S} {text}")


class JsonLog:
    """A log of the lines that CloudWatch would have, each with who wrote it."""

    def __init__(self, write: WriteLine) -> None:
        self._write = write

    def request(self, served: ServedRequest) -> None:
        """Writes the access log's line, or that of ``TextLog`` where there is no access log."""
        self._write(f"Api  {served.access_line or served}")

    def function(self, name: str, line: str) -> None:
        """Writes the line as it is."""
        self._write(f"{name}  {line}")

    def note(self, text: str) -> None:
        """Writes the text."""
        self._write(text)


def _readable(line: str) -> list[str]:
    """The lines that a person needs of a line that a function wrote."""
    entry = parse_entry(line)
    if entry is None:
        return [line] if line.strip() else []
    level = str(entry["level"])
    if level not in _COMPLAINTS:
        return []
    reason = entry.get("reason")
    text = f"{level.lower()}: {entry.get('message')}" + (f": {reason}" if reason else "")
    return [text, *str(entry.get("exception") or "").splitlines()]


def parse_entry(line: str) -> dict[str, Any] | None:
    """The entry that a function's logger or its metrics wrote; None for any other line.

    An entry of metrics, which has no level of its own, gets ``INFO``.
    """
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    if "_aws" in entry:
        return {**entry, "level": "INFO"}
    return entry if "level" in entry else None
