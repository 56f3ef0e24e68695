"""A mutant: one file of the project with one small mistake in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake in one file.

    Attributes:
        path: the file, relative to the project.
        line: the line of the mistake, from 1.
        scope: what has the mistake: the qualified name of a Python function, which is empty outside
            of functions; or the place in a template, with slashes.
        change: what was changed, for people.
        content: returns the file's content with the mistake.
    """

    path: PurePath
    line: int
    scope: str
    change: str
    content: Callable[[], str] = field(repr=False, compare=False)

    @property
    def name(self) -> tuple[str, str, str]:
        """What the mutant is called in files: its path, scope and change, which survive edits."""
        return str(self.path), self.scope, self.change

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.scope}: {self.change}"
