"""Writes several files so that either all of them are there in the end, or none."""

from pathlib import Path
from typing import Self

from usagectl.errors import CommandError


class NewFiles:
    """Files of one folder that get their names when all are complete.

    Args:
        folder: the folder. It is made if it isn't there, and removed again if nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_new = not folder.exists()
        self._names: list[str] = []

    def new(self, name: str) -> Path:
        """Returns the path at which to write a file until all are complete.

        Raises:
            CommandError: there is a file of that name already.
        """
        if (self._folder / name).exists():
            raise CommandError(f"{self._folder / name} is there already; choose another folder.")
        self._names.append(name)
        return self._incomplete(name)

    def keep(self) -> None:
        """Gives the files their names."""
        for name in self._names:
            self._incomplete(name).rename(self._folder / name)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._incomplete(name).unlink(missing_ok=True)
        if self._is_new and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _incomplete(self, name: str) -> Path:
        return self._folder / f".{name}.part"
