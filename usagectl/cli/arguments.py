"""How arguments and options of the command line are read, and refused."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from workspace_usage.values import MAX_ID, InvalidValue, parse_date


def whole_number(most: int) -> Callable[[str], int]:
    """Returns a parser of whole numbers from 1 to ``most``.

    The parser raises ``typer.BadParameter`` for anything else.
    """

    def parse(text: str) -> int:
        if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > most:
            raise typer.BadParameter(f"must be a whole number from 1 to {most:,}")
        return int(text)

    return parse


parse_id: Final = whole_number(MAX_ID)
"""Parses an id."""


def parse_day(text: str) -> date:
    """Parses a date.

    Raises:
        typer.BadParameter: it is not one.
    """
    try:
        return parse_date(text)
    except InvalidValue as error:
        raise typer.BadParameter(f"{error}, such as 2026-01-05") from None


def parse_path(text: str) -> Path:
    """Parses the path of a file or folder.

    Raises:
        typer.BadParameter: it is empty, which ``Path`` would take for the current folder.
    """
    if not text:
        raise typer.BadParameter("must not be empty")
    return Path(text)


Workspace = Annotated[
    int,
    typer.Option("--workspace", "-w", parser=parse_id, metavar="ID", help="The workspace's id."),
]
User = Annotated[
    int, typer.Option("--user", "-u", parser=parse_id, metavar="ID", help="The user's id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]


def refuse(context: typer.Context, name: str, reason: str) -> NoReturn:
    """Ends a command because of an argument or option, before it does anything.

    Raises:
        typer.BadParameter: always.
    """
    raise typer.BadParameter(reason, ctx=context, param_hint=f"'{name}'")


def check_token(context: typer.Context, token: str) -> None:
    """Refuses a token that can't be sent in a header.

    Raises:
        typer.BadParameter: it can't.
    """
    from usagectl.service_check import is_sendable

    if not is_sendable(token):
        refuse(
            context, "--token", "must be a token as it was issued: plain characters, no line break"
        )


def check_output_file(context: typer.Context, name: str, path: Path) -> None:
    """Refuses a path at which no file can be written, as far as this is known beforehand.

    Raises:
        typer.BadParameter: there can't be a file.
    """
    if path.exists() and not path.is_file():
        refuse(context, name, f"{path} is not a file.")
    if not path.absolute().parent.is_dir():
        refuse(context, name, f"there is no folder {path.parent}.")
