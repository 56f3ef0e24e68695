"""The files of a data set that go into the media bucket, each under its path as key."""

import mimetypes
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from usagectl.dataset import MEDIA_FOLDER, Rejection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_KEY_BYTES: Final = 1_024
"""The most bytes that S3 lets a key have."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
"""What has no place in a name that becomes a part of URLs."""

MAX_OBJECT_BYTES: Final = 5 * 1024**3
"""The most bytes that S3 takes in one call."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file, and the key of its object."""

    key: str
    path: Path


def find_media(folder: Path) -> Iterator[MediaFile | Rejection]:
    """Every media file of the data set in ``folder``, in the same order each time.

    What can't be used is there as a rejection: a link out of the media folder or to another folder,
    a name that no key can have, a folder that can't be read.
    """
    root = folder / MEDIA_FOLDER
    unreadable: list[OSError] = []
    for parent, folders, names in os.walk(root, onerror=unreadable.append):
        folders.sort()
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(parent, name)
            key = path.relative_to(root).as_posix()
            reason = _unusable(root, key, path)
            yield MediaFile(key, path) if reason is None else rejection(key, reason)
    for error in unreadable:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):  # else there are none
            key = Path(error.filename).relative_to(root).as_posix()
            yield rejection(key, f"can't be read: {error.strerror}")


def _unusable(root: Path, key: str, path: Path) -> str | None:
    try:
        length = len(key.encode())
        if length > MAX_KEY_BYTES:
            return f"its name has more than {MAX_KEY_BYTES:,} bytes, path included"
        if _CONTROL.search(key):
            return "its name has a control character, such as a line break"
        if not path.resolve().is_relative_to(root.resolve()):
            return "is a link that leads out of the folder"
        return None if path.is_file() else "is not a file"
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    except OSError as error:
        return f"can't be read: {error.strerror}"


def rejection(key: str, reason: str) -> Rejection:
    """Why the file that belongs to a key can't be used."""
    return Rejection(f"{MEDIA_FOLDER}/{key}", 0, reason)


def upload(client: "S3Client", bucket: str, file: MediaFile) -> Rejection | None:
    """Puts a file into the bucket, or returns why it can't be read.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: S3 doesn't take it.
    """
    kind = mimetypes.guess_type(file.key)[0] or "application/octet-stream"
    try:
        with file.path.open("rb") as content:
            if os.fstat(content.fileno()).st_size > MAX_OBJECT_BYTES:
                return rejection(file.key, "has more than 5 GiB, the most that S3 takes at once")
            client.put_object(Bucket=bucket, Key=file.key, Body=content, ContentType=kind)
    except OSError as error:  # of the file: botocore's errors are others
        return rejection(file.key, f"can't be read: {error.strerror}")
    return None
