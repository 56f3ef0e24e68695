"""The command ``forget-user``."""

from typing import Annotated

import typer

from usagectl.cli.arguments import parse_id
from usagectl.cli.output import show_json
from usagectl.cli.people import USER_MODEL, TokenableType
from usagectl.cli.target import find_deployment


def forget_user(
    context: typer.Context,
    user: Annotated[int, typer.Argument(parser=parse_id, metavar="USER", help="The user's id.")],
    delete_rows: Annotated[
        bool,
        typer.Option(
            "--delete-rows",
            help="Delete the user's rows, and the media that no other row shows.",
        ),
    ] = False,
    tokenable_type: TokenableType = USER_MODEL,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
) -> None:
    """Erase a person: tokens, memberships, and the e-mail address in every row.

    Without --delete-rows the rows stay, without the e-mail address. All tables are read completely.
    If it is interrupted, start it again: it does what is left to do.

    Example: usagectl forget-user 42 --delete-rows
    """
    from usagectl.erasure.eraser import Eraser
    from usagectl.progress_bar import ProgressBar

    deployment = find_deployment(context)
    if not yes:
        typer.confirm(_question(user, deployment.name, delete_rows=delete_rows), abort=True)
    with ProgressBar("erasing", "items read") as bar:
        eraser = Eraser(deployment.resources, tokenable_type, delete_rows, bar.advance)
        report = eraser.erase(user)
    show_json(report.as_dict())


def _question(user: int, deployment: str, *, delete_rows: bool) -> str:
    rows = (
        "All rows of this user are deleted, and those media that no other row shows."
        if delete_rows
        else "Rows and media stay, without the e-mail address."
    )
    return (
        f"User {user} is erased from {deployment} for good: the user's tokens are revoked, and the"
        f" memberships are removed. {rows} Continue?"
    )
