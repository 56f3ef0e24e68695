"""What all commands share: which deployment they are for, how they read arguments, and speak.

A command's module is imported to show its help, so what does the work is imported when it runs.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from workspace_usage.values import MAX_ID, InvalidValue, parse_date

if TYPE_CHECKING:
    from rich.progress import Progress

    from usagectl.deployment import Deployment

REJECTED: Final = 3
"""Exit code of an import that went through, but could not use some lines."""


def whole_number(most: int) -> Callable[[str], int]:
    """Returns a reader of numbers of a command line, from 1 to ``most``.

    What it returns raises ``typer.BadParameter`` for anything else.
    """

    def parse(text: str) -> int:
        if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > most:
            raise typer.BadParameter(f"must be a whole number from 1 to {most:,}")
        return int(text)

    return parse


parse_id: Final = whole_number(MAX_ID)
"""Reads an id of a command line."""


def day(text: str) -> date:
    """A date of a command line.

    Raises:
        typer.BadParameter: it is not one.
    """
    try:
        return parse_date(text)
    except InvalidValue as error:
        raise typer.BadParameter(f"{error}, such as 2026-01-05") from None


Workspace = Annotated[
    int,
    typer.Option("--workspace", "-w", parser=parse_id, metavar="ID", help="The workspace's id."),
]
User = Annotated[
    int, typer.Option("--user", "-u", parser=parse_id, metavar="ID", help="The user's id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


@dataclass(slots=True)
class Target:
    """Which deployment the options name; it is looked for when a command needs it."""

    stack: str = "workspace-usage"
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    @property
    def place(self) -> str:
        """Who answers there."""
        return f"the local stack at {self.endpoint}" if self.endpoint else "AWS"

    def find(self) -> "Deployment":
        """The deployment.

        Raises:
            CommandError: there is none.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
        """
        from usagectl.deployment import Deployment

        if self.endpoint:
            return Deployment.local(self.endpoint)
        return Deployment.in_aws(self.stack, self.region, self.profile)


def target(context: typer.Context) -> "Deployment":
    """The deployment that the command line names."""
    found: Target = context.obj
    return found.find()


def refuse(context: typer.Context, name: str, reason: str) -> NoReturn:
    """Ends a command because of an argument or option, before anything is begun.

    Raises:
        typer.BadParameter: always.
    """
    raise typer.BadParameter(reason, ctx=context, param_hint=f"'{name}'")


def output_file(context: typer.Context, name: str, path: Path) -> Path:
    """A file that an option names, and that can be written as far as can be seen.

    Raises:
        typer.BadParameter: it can't.
    """
    if path.exists() and not path.is_file():
        refuse(context, name, f"{path} is not a file.")
    if not path.absolute().parent.is_dir():
        refuse(context, name, f"there is no folder {path.parent}.")
    return path


def show(message: str) -> None:
    """Prints a line to standard output."""
    print(message)


def tell(message: str) -> None:
    """Prints a line that is not a result to standard error."""
    print(message, file=sys.stderr)


def show_json(value: object) -> None:
    """Prints a value as JSON, for people and programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def number_of(number: int, noun: str, plural: str | None = None) -> str:
    """A number of things: ``1 row``, ``20,000 rows``; ``plural`` where it isn't made with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def progress(unit: str) -> "Progress":
    """A progress bar with rate and time left, on a terminal; gone when it is done."""
    from usagectl.cli.progress import progress as bar

    return bar(unit)
