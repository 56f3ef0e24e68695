"""The stack's log: a line for each request, and the warnings and errors of functions.

    21:04:11 GET /workspaces/usage?range=7d 200 12 ms user 1 workspace 11 cache miss
    21:04:15 RecorderFunction warning: rejected: detail: execution.credits: must be a number

``TextLog`` is for people. ``JsonLog`` has the lines that CloudWatch would have: the stage's access
log, and all lines of the functions. Neither shows a header, a body or a token.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

MAX_TARGET_LENGTH: Final = 200
"""The most characters of a path with its query string that are shown."""

_TOKEN: Final = re.compile(r"\b[0-9]+(?:\||%7[Cc])[^&]*")
"""A text that looks like a token, in a query string, where no token should be."""

_SHOWN_LEVELS: Final = {"WARNING", "ERROR", "CRITICAL"}

type WriteLine = Callable[[str], object]
"""Writes one line."""


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """An answered request, with what a log may show.

    Attributes:
        method: its method.
        target: its path with its query string, not decoded.
        status: the response's status.
        milliseconds: the time that it took.
        user_id, workspace_id: the caller, if the authorizer identified one.
        cache: ``hit`` or ``miss``, if the method has a cache.
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
    """Takes what happens in the stack, from any thread."""

    def request(self, served: ServedRequest) -> None:
        """Takes an answered request."""

    def function(self, name: str, line: str) -> None:
        """Takes a line that the function ``name`` wrote."""

    def note(self, text: str) -> None:
        """Takes a text of the stack itself."""


class NoLog:
    """A log that writes nothing."""

    def request(self, served: ServedRequest) -> None:
        """Does nothing."""

    def function(self, name: str, line: str) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Does nothing."""


class TextLog:
    """A log for people. Each line begins with the time of day.

    It shows only the warnings and errors among a function's structured lines. All other lines are
    shown: the traceback of a crash, and what a developer prints.
    """

    def __init__(self, write: WriteLine) -> None:
        self._write = write

    def request(self, served: ServedRequest) -> None:
        """Writes one line."""
        self.note(str(served))

    def function(self, name: str, line: str) -> None:
        """Writes the line for people, or nothing."""
        for text in _texts(line):
            self.note(f"{name} {text}")

    def note(self, text: str) -> None:
        """Writes the text."""
        self._write(f"{datetime.now().astimezone():%H:%M:%S} {text}")


class JsonLog:
    """A log with the lines that CloudWatch would have, each after the name of its writer."""

    def __init__(self, write: WriteLine) -> None:
        self._write = write

    def request(self, served: ServedRequest) -> None:
        """Writes the line of the access log, or ``TextLog``'s if there is no access log."""
        self._write(f"Api  {served.access_line or served}")

    def function(self, name: str, line: str) -> None:
        """Writes the line as it is."""
        self._write(f"{name}  {line}")

    def note(self, text: str) -> None:
        """Writes the text."""
        self._write(text)


def _texts(line: str) -> list[str]:
    """Returns what people need of a line that a function wrote: no line, one or several."""
    entry = parse_entry(line)
    if entry is None:
        return [line] if line.strip() else []
    level = str(entry["level"])
    if level not in _SHOWN_LEVELS:
        return []
    reason = entry.get("reason")
    text = f"{level.lower()}: {entry.get('message')}" + (f": {reason}" if reason else "")
    return [text, *str(entry.get("exception") or "").splitlines()]


def parse_entry(line: str) -> dict[str, Any] | None:
    """Returns the entry that a function's logger or its metrics wrote, or None for another line.

    Entries of metrics have no level; they get ``INFO``.
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
