"""The media of a data set: files for the media bucket, each with its path as its key."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from usagectl.data_set.rejections import Rejection

MEDIA_FOLDER: Final = "media"

MAX_KEY_BYTES: Final = 1_024
"""The most bytes that S3 lets a key have."""

_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")
"""What must not be in a key, since it becomes part of a URL."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file, and the key of its object."""

    key: str
    path: Path


def find_media(folder: Path) -> Iterator[MediaFile | Rejection]:
    """Yields every media file of the data set in ``folder``, always in the same order.

    What can't be used is yielded as a rejection: a link out of the media folder or to another
    folder, a name that no key can have, a folder that can't be read.
    """
    root = folder / MEDIA_FOLDER
    errors: list[OSError] = []
    for parent, folders, names in os.walk(root, onerror=errors.append):
        folders.sort()
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(parent, name)
            key = path.relative_to(root).as_posix()
            reason = _reason_for_rejection(root, key, path)
            yield MediaFile(key, path) if reason is None else media_rejection(key, reason)
    for error in errors:
        # These mean that the data set has no media folder.
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            key = Path(error.filename).relative_to(root).as_posix()
            yield media_rejection(key, f"can't be read: {error.strerror}")


def media_rejection(key: str, reason: str) -> Rejection:
    """Returns the rejection of the file that belongs to a key."""
    return Rejection(f"{MEDIA_FOLDER}/{key}", 0, reason)


def _reason_for_rejection(root: Path, key: str, path: Path) -> str | None:
    try:
        length = len(key.encode())
        if length > MAX_KEY_BYTES:
            return f"its name has more than {MAX_KEY_BYTES:,} bytes, path included"
        if _CONTROL_CHARACTER.search(key):
            return "its name has a control character, such as a line break"
        if not path.resolve().is_relative_to(root.resolve()):
            return "is a link that leads out of the folder"
        return None if path.is_file() else "is not a file"
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    except OSError as error:
        return f"can't be read: {error.strerror}"
