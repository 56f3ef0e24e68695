"""How far an import got, kept in a file, so that one that was cut off goes on from there.

What is noted is in the tables for sure; what came after it may be, and is written again, which
changes nothing. A file that has changed since counts as new.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_FORM: Final = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one part of a data set got: lines that are dealt with, and what became of them."""

    lines: int = 0
    loaded: int = 0
    rejected: int = 0


class Checkpoint:
    """The progress of all parts of one import.

    Args:
        path: the file that keeps it; None keeps it in memory alone.
        destination: what tells this destination from others; progress towards another one doesn't
            count.
    """

    def __init__(self, path: Path | None = None, destination: str = "") -> None:
        self._path = path
        self._destination = destination
        self._parts: dict[str, tuple[str, Progress]] = {}
        self._held: frozenset[int] = frozenset()
        self._read()

    @property
    def held(self) -> frozenset[int]:
        """The workspaces that this import holds, or the one that it goes on with held."""
        return self._held

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier import got anywhere."""
        return bool(self._parts)

    def progress(self, part: str, fingerprint: str) -> Progress:
        """How far a part got, as long as it has the same fingerprint as then."""
        known, progress = self._parts.get(part, ("", Progress()))
        return progress if known == fingerprint else Progress()

    def reached(self, part: str, fingerprint: str, progress: Progress) -> None:
        """Notes that a part got this far.

        Raises:
            OSError: the file can't be written.
        """
        self._parts[part] = (fingerprint, progress)
        self._write()

    def hold(self, workspace_ids: Iterable[int]) -> None:
        """Notes workspaces that are going to be held.

        Raises:
            OSError: the file can't be written.
        """
        self._held = self._held.union(workspace_ids)
        self._write()

    def let_go(self) -> None:
        """Notes that no workspace is held any more.

        Raises:
            OSError: the file can't be written.
        """
        if self._held:
            self._held = frozenset()
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        content = {
            "form": _FORM,
            "destination": self._destination,
            "parts": {name: [known, asdict(done)] for name, (known, done) in self._parts.items()},
            "held": sorted(self._held),
        }
        # Replaced as a whole: whoever is cut off while writing leaves the old one.
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def remove(self) -> None:
        """Forgets everything: the import is complete."""
        self._parts, self._held = {}, frozenset()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            content = json.loads(self._path.read_text("utf-8"))
            if (content["form"], content["destination"]) != (_FORM, self._destination):
                return
            parts = content["parts"].items()
            found = {name: (known, Progress(**done)) for name, (known, done) in parts}
            held = frozenset(map(int, content.get("held", ())))
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # not one of ours: everything is written again
        self._parts, self._held = found, held


def fingerprint(path: Path) -> str:
    """What changes when a file does.

    Raises:
        OSError: the file can't be looked at.
    """
    status = path.stat()
    return f"{status.st_size}/{status.st_mtime_ns}"
