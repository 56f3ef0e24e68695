"""Shows the lines of a data set that can't be used, when loading has ended."""

import sys
import tempfile
from typing import IO, Final, Self

from usagectl.data_set.rejections import Rejection

MAX_SHOWN_REJECTIONS: Final = 20


class Rejections:
    """Shows the first rejected lines. If there are more, it writes all of them to a file.

    It is a context manager, which prints to standard error when it ends.
    """

    def __init__(self) -> None:
        self._shown: list[Rejection] = []
        self._number = 0
        self._file: IO[str] | None = None

    def add(self, rejection: Rejection) -> None:
        """Adds a rejected line."""
        self._number += 1
        if self._number <= MAX_SHOWN_REJECTIONS:
            self._shown.append(rejection)
            return
        if self._file is None:
            self._file = self._make_file()
        self._file.write(f"{rejection}\n")

    def _make_file(self) -> IO[str]:
        """Makes a file with the lines that there are so far."""
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed in __exit__
            "w", prefix="rejected-", suffix=".txt", delete=False, encoding="utf-8"
        )
        file.writelines(f"{rejection}\n" for rejection in self._shown)
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._number:
            print(f"{self._number} lines can't be used:", file=sys.stderr)
        for rejection in self._shown:
            print(f"  {rejection}", file=sys.stderr)
        if self._file is not None:
            print(f"  The file {self._file.name} has all of them.", file=sys.stderr)
