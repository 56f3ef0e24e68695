"""The commands ``token issue``, ``token revoke``, ``token show`` and ``token list``."""

from datetime import timedelta
from typing import Annotated, Final

import typer

from usagectl.access.descriptions import describe_token
from usagectl.cli.arguments import AsJson, User, parse_id, whole_number
from usagectl.cli.output import now, show, show_fields, show_json, show_table
from usagectl.cli.people import (
    USER_MODEL,
    AllowUnknown,
    TokenableType,
    access_tables,
    check_text,
    check_words,
)
from usagectl.errors import CommandError
from workspace_usage.access.tokens import USE_AGENTS
from workspace_usage.values import format_timestamp

MAX_LIFETIME_DAYS: Final = 36_500
"""The most days for which a token can be issued: a hundred years."""

ABILITIES: Final = (USE_AGENTS, "*")
"""The abilities that this service knows."""

tokens = typer.Typer(no_args_is_help=True)

TokenId = Annotated[
    int,
    typer.Argument(parser=parse_id, metavar="ID", help="The number before the | of the token."),
]


@tokens.command("issue")
def issue_token(
    context: typer.Context,
    user: User,
    ability: Annotated[
        list[str], typer.Option(help="What the token may do; can be given more than once.")
    ] = [USE_AGENTS],  # noqa: B006 - Typer copies it
    expires_in_days: Annotated[
        int | None,
        typer.Option(
            parser=whole_number(MAX_LIFETIME_DAYS),
            metavar="DAYS",
            help="Days until it expires (never).",
        ),
    ] = None,
    tokenable_type: TokenableType = USER_MODEL,
    allow_unknown: AllowUnknown = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token and print it. It can't be printed again, since only its hash is stored.

    Example: usagectl token issue --user 1 --expires-in-days 30
    """
    check_words("--ability", "ability", ability, ABILITIES, allow_unknown)
    check_text("--tokenable-type", tokenable_type)
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    issued = access_tables(context).issue_token(user, tokenable_type, frozenset(ability), lifetime)
    if not as_json:
        show(issued.plain_text)
        return
    expires_at = issued.token.expires_at
    show_json(
        {
            "id": issued.token.token_id,
            "token": issued.plain_text,
            "expires_at": None if expires_at is None else format_timestamp(expires_at),
        }
    )


@tokens.command("revoke")
def revoke_token(context: typer.Context, token_id: TokenId) -> None:
    """Revoke a token for good. The next request with it is refused.

    Example: usagectl token revoke 7
    """
    if access_tables(context).revoke_token(token_id):
        show(f"Revoked token {token_id}.")
    else:
        show(f"Token {token_id} is revoked already; nothing was changed.")


@tokens.command("show")
def show_token(context: typer.Context, token_id: TokenId, as_json: AsJson = False) -> None:
    """Show whose a token is, what it may do, and when it expires.

    Its secret and its hash are never shown.

    Example: usagectl token show 7
    """
    item = access_tables(context).token(token_id)
    if item is None:
        raise CommandError(f"There is no token {token_id}.")
    show_fields(describe_token(item, now()), as_json)


@tokens.command("list")
def list_tokens(
    context: typer.Context,
    user: User,
    tokenable_type: TokenableType = USER_MODEL,
    as_json: AsJson = False,
) -> None:
    """List a user's tokens that are not revoked.

    Secrets and hashes are never shown. The whole table of tokens is read, which costs about a cent
    for a million of them.

    Example: usagectl token list --user 42
    """
    moment = now()
    items = access_tables(context).tokens(user, tokenable_type)
    listed = [describe_token(item, moment) for item in items]
    listed.sort(key=lambda token: token["id"])
    show_table(listed, as_json, f"User {user} has no token.")
