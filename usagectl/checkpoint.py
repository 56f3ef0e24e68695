"""How far an import got, kept in a file, so that one that was cut off continues from there.

What is noted is in the tables, and what could not be used is in the report. What came after it may
be in the tables, and is written again, which changes nothing; it is cut from the report. A file
whose content has changed since counts as new.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from usagectl.report import Mark, Report

_FORM: Final = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one part of a data set got: lines that are dealt with, and what became of them."""

    lines: int = 0
    loaded: int = 0
    rejected: int = 0
    kept: int = 0


class Checkpoint:
    """The progress of all parts of one import.

    Args:
        path: the file that keeps it; None keeps it in memory alone.
        destination: what tells this destination from others; progress towards another one doesn't
            count.
        report: where lines are reported that can't be used. It is brought to where the noted
            progress was, and is on disk before more progress is noted.
    """

    def __init__(
        self, path: Path | None = None, destination: str = "", report: Report | None = None
    ) -> None:
        self._path = path
        self._destination = destination
        self._report = report
        self._parts: dict[str, tuple[str, Progress]] = {}
        self._held: frozenset[int] = frozenset()
        reported = self._read()
        if report is not None and not report.cut(reported):
            # What the report has lost can only be found again by reading everything.
            self._parts = {}

    @property
    def held(self) -> frozenset[int]:
        """The workspaces that this import holds, or the one that it continues held."""
        return self._held

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier import got anywhere."""
        return bool(self._parts)

    @property
    def is_kept(self) -> bool:
        """Whether there will be anything to continue from."""
        return self._path is not None

    def progress(self, part: str, fingerprint: str) -> Progress:
        """How far a part got, as long as it has the same fingerprint as then.

        One that has another fingerprint begins again: its lines are no longer in the report.

        Raises:
            OSError: the report can't be written.
        """
        known, progress = self._parts.get(part, (fingerprint, Progress()))
        if known == fingerprint:
            return progress
        if self._report is not None:
            self._report.remove(part)
        del self._parts[part]
        self._write()
        return Progress()

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
        # First: progress that counts on lines that the report has not got would lose them.
        reported = Mark() if self._report is None else self._report.sync()
        if self._path is None:
            return
        content = {
            "form": _FORM,
            "destination": self._destination,
            "parts": {name: [known, asdict(done)] for name, (known, done) in self._parts.items()},
            "held": sorted(self._held),
            "reported": asdict(reported),
        }
        # Replaced as a whole: a process that ends while writing leaves the old one.
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def remove(self) -> None:
        """Forgets everything: the import is complete.

        Raises:
            OSError: the report can't be written, or the file can't be removed.
        """
        self._parts, self._held = {}, frozenset()
        if self._report is not None:
            self._report.sync()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self) -> Mark:
        """Takes over what an earlier import noted; returns how much of its report counts."""
        if self._path is None or not self._path.exists():
            return Mark()
        try:
            content = json.loads(self._path.read_bytes())
            if (content["form"], content["destination"]) != (_FORM, self._destination):
                return Mark()
            parts = content["parts"].items()
            found = {name: (known, Progress(**done)) for name, (known, done) in parts}
            held = frozenset(map(int, content["held"]))
            reported = Mark(**content["reported"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Mark()  # not one of ours: everything is written again
        self._parts, self._held = found, held
        return reported


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file's content: it is what counts, not when the file was written.

    A correction may leave size and time as they were. Reading the file once more takes a hundredth
    of the time that loading it does.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
