"""The checkpoint: how far an import got, in a file, so that an interrupted one can continue.

The tables have what the checkpoint notes as loaded, and the report has what it notes as rejected.
Lines after that may be in the tables already. They are written again, which changes nothing, and
their entries are cut from the report. A file whose content has changed since is loaded from its
beginning.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from usagectl.loading.rejection_report import RejectionReport, SavedLength
from workspace_usage.values import MAX_ID

_FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class PartProgress:
    """How far one part of a data set got: how many lines are done, and what became of them."""

    lines: int = 0
    loaded: int = 0
    rejected: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class _Content:
    """What the file contains.

    Attributes:
        parts: each part's fingerprint and progress, by its name.
        report: how much of the report belongs to it.
    """

    parts: dict[str, tuple[str, PartProgress]]
    report: SavedLength


_NOTHING: Final = _Content({}, SavedLength())


class Checkpoint:
    """The progress of all parts of one import.

    Args:
        path: the file. Without one, the progress is kept in memory only.
        destination: a text that tells this destination from others. Progress towards another one
            doesn't count.
        report: the report of what is rejected. It is cut to where it was when the progress was
            noted, and it is on disk before more progress is noted.

    Raises:
        OSError: the checkpoint or the report can't be read or written.
    """

    def __init__(
        self,
        path: Path | None = None,
        destination: str = "",
        report: RejectionReport | None = None,
    ) -> None:
        self._path = path
        self._destination = destination
        self._report = report
        content, self._is_unusable = self._read()
        self._parts = dict(content.parts)
        if report is not None and not report.truncate(content.report):
            # What the report has lost is found again only if everything is read again.
            self._parts = {}

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier import got anywhere."""
        return bool(self._parts)

    @property
    def is_unusable(self) -> bool:
        """Whether there was a file that is not a checkpoint, so that everything is loaded again."""
        return self._is_unusable

    @property
    def is_kept(self) -> bool:
        """Whether there will be anything to continue from."""
        return self._path is not None

    def resume_part(self, part: str, fingerprint: str) -> PartProgress:
        """Returns how far a part got, if its fingerprint is still the same.

        A part with another fingerprint begins again, and its entries are taken out of the report.

        Raises:
            OSError: the report or the checkpoint can't be written.
        """
        old_fingerprint, progress = self._parts.get(part, (fingerprint, PartProgress()))
        if old_fingerprint == fingerprint:
            return progress
        if self._report is not None:
            self._report.remove(part)
        del self._parts[part]
        self._write()
        return PartProgress()

    def note(self, part: str, fingerprint: str, progress: PartProgress) -> None:
        """Notes that a part got this far.

        Raises:
            OSError: the file can't be written.
        """
        self._parts[part] = (fingerprint, progress)
        self._write()

    def remove(self) -> None:
        """Forgets everything, since the import is complete.

        Raises:
            OSError: the report can't be written, or the file can't be removed.
        """
        self._parts = {}
        if self._report is not None:
            self._report.sync()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        # The report first: an entry that it doesn't have yet would be lost after a crash.
        saved = SavedLength() if self._report is None else self._report.sync()
        if self._path is None:
            return
        content = {
            "form": _FORMAT,
            "destination": self._destination,
            "parts": {
                name: [content_hash, asdict(progress)]
                for name, (content_hash, progress) in self._parts.items()
            },
            "reported": asdict(saved),
        }
        # The file is replaced in one step: if the process ends while writing, the old one stays.
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def _read(self) -> tuple[_Content, bool]:
        """Returns what an earlier import noted, and whether the file is not a checkpoint."""
        if self._path is None or not self._path.exists():
            return _NOTHING, False
        try:
            content = json.loads(self._path.read_bytes())
            if (content["form"], content["destination"]) != (_FORMAT, self._destination):
                return _NOTHING, False
            return _parse(content), False
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _NOTHING, True


def may_be_checkpoint(path: Path) -> bool:
    """Returns whether a file can be a checkpoint: an import wrote it, or it is not there.

    Raises:
        OSError: the file can't be read.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= {"form", "parts"}


def _parse(content: Any) -> _Content:
    """Returns what the file contains.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not what ``Checkpoint`` writes.
    """
    parts = {
        name: (_text(fingerprint), PartProgress(**_counts(progress)))
        for name, (fingerprint, progress) in content["parts"].items()
    }
    return _Content(parts, SavedLength(**_counts(content["reported"])))


def _counts(content: Any) -> dict[str, int]:
    return {name: _whole_number(value) for name, value in content.items()}


def _whole_number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def fingerprint(path: Path) -> str:
    """Returns the SHA-256 of a file's content.

    A corrected file may have the same size and time as before, so these don't count. Reading the
    file once more takes a hundredth of the time that loading it takes.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
