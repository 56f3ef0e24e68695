"""Files that are there whole or not at all."""

from pathlib import Path
from typing import Self

from usagectl.errors import CommandError


class NewFiles:
    """Files of one folder that get their names when all are complete; else nothing is left.

    Args:
        folder: is made if it isn't there; if nothing comes of the files, it goes again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_new = not folder.exists()
        self._names: list[str] = []

    def new(self, name: str) -> Path:
        """The path at which to write a file.

        Raises:
            CommandError: there is such a file already.
        """
        if (self._folder / name).exists():
            raise CommandError(f"{self._folder / name} is there already; choose another folder.")
        self._names.append(name)
        return self._part(name)

    def keep(self) -> None:
        """Gives the files their names."""
        for name in self._names:
            self._part(name).rename(self._folder / name)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._part(name).unlink(missing_ok=True)
        if self._is_new and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _part(self, name: str) -> Path:
        return self._folder / f".{name}.part"
