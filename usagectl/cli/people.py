"""What the commands about people share: the tables of access, and words that may be stored."""

from collections.abc import Iterable
from typing import Annotated, Final

import typer

from usagectl.access.tables import AccessTables
from usagectl.cli.target import find_deployment

USER_MODEL: Final = "App\\Models\\User"
"""The Laravel model of users, unless the command line names another one."""

MAX_TEXT_LENGTH: Final = 255
"""The most characters of a text, as in Laravel's string columns."""

MAX_WORDS: Final = 60
"""The most abilities or permissions. Even the longest ones fit into a payload's list then."""

TokenableType = Annotated[str, typer.Option(help="The Laravel model of users.")]
AllowUnknown = Annotated[
    bool, typer.Option("--allow-unknown", help="Also take words that this service does not know.")
]


def access_tables(context: typer.Context) -> AccessTables:
    """Returns the tables of tokens and memberships of the deployment.

    Raises:
        CommandError: there is no such deployment.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
    """
    deployment = find_deployment(context)
    tables = deployment.tables
    return AccessTables(deployment.dynamodb, tables.access_tokens, tables.memberships)


def check_words(
    option: str, noun: str, words: Iterable[str], known: tuple[str, ...], allow_unknown: bool
) -> None:
    """Refuses abilities or permissions that this service does not know, or that can't be stored.

    Args:
        option: the option that they were given with.
        noun: what one of them is called.
        words: the abilities or permissions.
        known: the words that this service knows.
        allow_unknown: whether other words may be stored.

    Raises:
        typer.BadParameter: one of them is refused.
    """
    words = list(words)
    if len(words) > MAX_WORDS:
        raise typer.BadParameter(f"can be given {MAX_WORDS} times at most", param_hint=option)
    for word in words:
        check_text(option, word)
        if word not in known and not allow_unknown:
            raise typer.BadParameter(
                f"this service does not know the {noun} {word}, only {' and '.join(known)};"
                " add --allow-unknown to store it nevertheless",
                param_hint=option,
            )


def check_text(option: str, text: str) -> None:
    """Refuses a text that can't be stored.

    Raises:
        typer.BadParameter: it is empty, too long, or not printable.
    """
    # An argument that is not UTF-8 becomes text with surrogates, which no table takes.
    if not text.isprintable() or not 0 < len(text) <= MAX_TEXT_LENGTH:
        reason = f"must be a text of 1 to {MAX_TEXT_LENGTH} printable characters"
        raise typer.BadParameter(reason, param_hint=option)
