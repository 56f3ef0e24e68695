"""Commands about people: token, member, forget-user."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from usagectl.access import AccessTables
from usagectl.cli.common import (
    AsJson,
    User,
    Workspace,
    now,
    parse_id,
    progress,
    show,
    show_json,
    target,
    whole_number,
)
from usagectl.cli.records import described_member, described_token, show_record, show_records
from usagectl.errors import CommandError
from workspace_usage.access.scope import READ_USERS_ACTIVITY, Membership
from workspace_usage.access.tokens import USE_AGENTS
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from usagectl.deployment import Deployment

USER_MODEL: Final = "App\\Models\\User"

MAX_DAYS: Final = 36_500
"""Days for which a token can be issued at most: a hundred years."""

MAX_CHARACTERS: Final = 255
"""Characters of the longest text, as of a string column of Laravel's."""

MAX_WORDS: Final = 60
"""Abilities or permissions at most: of the longest, they fill what a record's list may take."""

ABILITIES: Final = (USE_AGENTS, "*")
"""Abilities that mean something to this service."""

PERMISSIONS: Final = (READ_USERS_ACTIVITY,)
"""Permissions that mean something to this service."""

tokens = typer.Typer(no_args_is_help=True, help="Issue, revoke, show and list access tokens.")
members = typer.Typer(
    no_args_is_help=True, help="Add, change, remove, show and list members of workspaces."
)

TokenId = Annotated[
    int, typer.Argument(parser=parse_id, metavar="ID", help="What stands before the token's |.")
]
TokenableType = Annotated[str, typer.Option(help="The Laravel model that the token belongs to.")]
AllowUnknown = Annotated[
    bool, typer.Option("--allow-unknown", help="Take words that only the platform knows.")
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
            parser=whole_number(MAX_DAYS), metavar="DAYS", help="Days until it expires (never)."
        ),
    ] = None,
    tokenable_type: TokenableType = USER_MODEL,
    allow_unknown: AllowUnknown = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token and print it, this once: only its hash is kept.

    Example: usagectl token issue --user 1 --expires-in-days 30
    """
    _check_words("--ability", "ability", ability, ABILITIES, allow_unknown)
    _check_text("--tokenable-type", tokenable_type)
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    access = _access(target(context))
    issued = access.issue_token(user, tokenable_type, frozenset(ability), lifetime)
    if as_json:
        expires_at = issued.token.expires_at
        show_json(
            {
                "id": issued.token.token_id,
                "token": issued.plain_text,
                "expires_at": None if expires_at is None else format_timestamp(expires_at),
            }
        )
    else:
        show(issued.plain_text)


@tokens.command("revoke")
def revoke_token(context: typer.Context, token_id: TokenId) -> None:
    """Revoke a token for good: it is refused from the next request on.

    Example: usagectl token revoke 7
    """
    if _access(target(context)).revoke_token(token_id):
        show(f"Revoked token {token_id}.")
    else:
        show(f"Token {token_id} is revoked already; nothing was changed.")


@tokens.command("show")
def show_token(context: typer.Context, token_id: TokenId, as_json: AsJson = False) -> None:
    """Show whose a token is, what it may do, and until when; never its secret or hash.

    Example: usagectl token show 7
    """
    item = _access(target(context)).token(token_id)
    if item is None:
        raise CommandError(f"There is no token {token_id}.")
    show_record(described_token(item, now()), as_json)


@tokens.command("list")
def list_tokens(
    context: typer.Context,
    user: User,
    tokenable_type: TokenableType = USER_MODEL,
    as_json: AsJson = False,
) -> None:
    """List a user's tokens, without those that are revoked; never a secret or hash.

    The whole table of tokens is read: about a cent for a million of them.

    Example: usagectl token list --user 42
    """
    moment = now()
    found = [
        described_token(item, moment)
        for item in _access(target(context)).tokens(user, tokenable_type)
    ]
    found.sort(key=lambda token: token["id"])
    show_records(found, as_json, f"User {user} has no token.")


@members.command("set")
def set_member(
    context: typer.Context,
    workspace: Workspace,
    user: User,
    permission: Annotated[
        list[str], typer.Option(help="All permissions of the member, each with its own option.")
    ] = [],  # noqa: B006 - Typer copies it
    allow_unknown: AllowUnknown = False,
) -> None:
    """Make a user a member of a workspace, or give a member other permissions.

    Example: usagectl member set -w 11 -u 42 --permission read_users_activity
    """
    _check_words("--permission", "permission", permission, PERMISSIONS, allow_unknown)
    membership = Membership(workspace, user, frozenset(permission))
    is_changed = _access(target(context)).set_member(membership)
    rights = ", ".join(sorted(membership.permissions)) or "no permissions"
    said = f"User {user} is a member of workspace {workspace}"
    if is_changed:
        show(f"{said}, with {rights}.")
    else:
        show(f"{said} already, with {rights}; nothing was changed.")


@members.command("remove")
def remove_member(context: typer.Context, workspace: Workspace, user: User) -> None:
    """Remove a member: they are refused from the next request on.

    Example: usagectl member remove -w 11 -u 42
    """
    if _access(target(context)).remove_member(workspace, user):
        show(f"Removed user {user} from workspace {workspace}.")
    else:
        show(f"User {user} is not a member of workspace {workspace}; nothing was changed.")


@members.command("show")
def show_member(
    context: typer.Context, workspace: Workspace, user: User, as_json: AsJson = False
) -> None:
    """Show which permissions a member has.

    Example: usagectl member show -w 11 -u 42
    """
    item = _access(target(context)).member(workspace, user)
    if item is None:
        raise CommandError(f"User {user} is not a member of workspace {workspace}.")
    show_record(described_member(item), as_json)


@members.command("list")
def list_members(context: typer.Context, workspace: Workspace, as_json: AsJson = False) -> None:
    """List the members of a workspace, with their permissions.

    Example: usagectl member list -w 11
    """
    found = [described_member(item) for item in _access(target(context)).members(workspace)]
    show_records(found, as_json, f"Workspace {workspace} has no member.")


def _access(deployment: "Deployment") -> AccessTables:
    tables = deployment.tables
    return AccessTables(deployment.dynamodb, tables.access_tokens, tables.memberships)


def _check_words(
    option: str, what: str, words: Iterable[str], known: tuple[str, ...], allow_unknown: bool
) -> None:
    """Refuses words that mean nothing here; with ``allow_unknown`` only what can't be stored.

    Raises:
        typer.BadParameter: one of them is not known.
    """
    words = list(words)
    if len(words) > MAX_WORDS:
        raise typer.BadParameter(f"can be given {MAX_WORDS} times at most", param_hint=option)
    for word in words:
        _check_text(option, word)
        if word not in known and not allow_unknown:
            raise typer.BadParameter(
                f"this service knows no {what} {word} ({', '.join(known)});"
                " --allow-unknown takes it all the same",
                param_hint=option,
            )


def _check_text(option: str, text: str) -> None:
    # An argument that is not UTF-8 becomes text with surrogates, which no table takes.
    if not text.isprintable() or not 0 < len(text) <= MAX_CHARACTERS:
        reason = f"must be a text of 1 to {MAX_CHARACTERS} printable characters"
        raise typer.BadParameter(reason, param_hint=option)


def forget_user(
    context: typer.Context,
    user: Annotated[int, typer.Argument(parser=parse_id, metavar="USER", help="The user's id.")],
    delete_rows: Annotated[
        bool,
        typer.Option(
            "--delete-rows", help="Delete the user's rows, and the media that no other row shows."
        ),
    ] = False,
    tokenable_type: TokenableType = USER_MODEL,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase a person: tokens, memberships, and the e-mail address in every row.

    Rows stay, as nobody's e-mail address, unless --delete-rows is given. All tables are read whole.
    Start it again after an interruption; a second run finds nothing left to do.

    Example: usagectl forget-user 42 --delete-rows
    """
    # Loads much that the other commands can do without.
    from usagectl.erase import Eraser

    deployment = target(context)
    if not yes:
        typer.confirm(_question(user, deployment.name, delete_rows=delete_rows), abort=True)
    with progress("items looked at") as bar:
        task = bar.add_task("erasing", total=None)
        report = Eraser(
            deployment.destination,
            tokenable_type,
            delete_rows,
            lambda items: bar.advance(task, items),
        ).erase(user, now())
    show_json(report.as_dict())


def _question(user: int, deployment: str, *, delete_rows: bool) -> str:
    rows = (
        "All rows of theirs are deleted, and the media of the bucket that no other row shows: media"
        " that other people's rows show stay."
        if delete_rows
        else "Rows and media stay, without the e-mail address."
    )
    return (
        f"User {user} is erased from {deployment}, for good. Their tokens are revoked and their"
        f" memberships removed. {rows} Go ahead?"
    )
