"""The folder of a data set: which of its entries are read, and which are not."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from usagectl.data_set.media import MEDIA_FOLDER
from usagectl.data_set.payload_files import PAYLOAD_FILES
from usagectl.data_set.rejections import visible
from usagectl.data_set.settings import SETTINGS_FILE


@dataclass(frozen=True, slots=True)
class UnreadEntry:
    """A file or folder of a data set that isn't read.

    Attributes:
        name: its name, as text that can be printed.
        similar_name: a similar name that would be read, and may have been meant, or None.
    """

    name: str
    similar_name: str | None


def data_set_names() -> list[str]:
    """Returns the names of the files, and of the folder, that a data set can consist of."""
    plain = [file.name for file in PAYLOAD_FILES]
    return [*plain, *(f"{name}.gz" for name in plain), SETTINGS_FILE, MEDIA_FOLDER]


def has_data(folder: Path) -> bool:
    """Returns whether anything in ``folder`` is read."""
    return any((folder / name).exists() for name in data_set_names())


def unread_entries(folder: Path) -> list[UnreadEntry]:
    """Returns the entries of ``folder`` that aren't read, except hidden files.

    Raises:
        OSError: the folder can't be read.
    """
    known = data_set_names()
    unread = []
    for name in sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")):
        if name not in known:
            similar = get_close_matches(name.lower(), known, n=1)
            unread.append(UnreadEntry(visible(name), similar[0] if similar else None))
        elif name == MEDIA_FOLDER and not (folder / name).is_dir():
            unread.append(UnreadEntry(name, "a folder of that name"))
    return unread
