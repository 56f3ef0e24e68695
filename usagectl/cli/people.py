"""Commands about people: token, member, forget-user."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from usagectl.cli.common import User, Workspace, now, progress, show, show_json, target
from usagectl.deployment import Deployment
from usagectl.erase import Eraser
from usagectl.errors import CommandError
from usagectl.tokens import issue
from workspace_usage.access import USE_AGENTS
from workspace_usage.events import (
    AccessTokenIssued,
    AccessTokenRevoked,
    Event,
    WorkspaceMemberChanged,
    WorkspaceMemberRemoved,
)
from workspace_usage.position import format_timestamp
from workspace_usage.recording import Recorder

USER_MODEL = "App\\Models\\User"

tokens = typer.Typer(no_args_is_help=True, help="Issue, revoke and show access tokens.")
members = typer.Typer(no_args_is_help=True, help="Add, change and remove members of workspaces.")

TokenId = Annotated[int, typer.Argument(min=1, metavar="ID", help="What is left of the token's |.")]
TokenableType = Annotated[str, typer.Option(help="The Laravel model that the token belongs to.")]


@tokens.command("issue")
def issue_token(
    context: typer.Context,
    user: User,
    ability: Annotated[
        list[str], typer.Option(help="What the token may do; can be given more than once.")
    ] = [USE_AGENTS],  # noqa: B006 - Typer copies it
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, help="Days until it expires (never).")
    ] = None,
    tokenable_type: TokenableType = USER_MODEL,
) -> None:
    """Issue a token and print it, this once: only its hash is kept.

    Example: usagectl token issue --user 1 --expires-in-days 30
    """
    moment = now()
    expires_at = None if expires_in_days is None else moment + timedelta(days=expires_in_days)
    issued = issue(user, tokenable_type, frozenset(ability), moment, expires_at)
    token = issued.token
    record = {
        "id": token.token_id,
        "tokenable_type": token.tokenable_type,
        "tokenable_id": token.tokenable_id,
        "token": token.token_hash,
        "abilities": sorted(token.abilities),
        "created_at": format_timestamp(moment),
        "expires_at": None if expires_at is None else format_timestamp(expires_at),
    }
    _apply(target(context), AccessTokenIssued, {"token": record})
    show(issued.plain_text)


@tokens.command("revoke")
def revoke_token(context: typer.Context, token_id: TokenId) -> None:
    """Revoke a token: it is refused from the next request on.

    Example: usagectl token revoke 7
    """
    deployment = target(context)
    if "token_hash" not in _token(deployment, token_id):
        raise CommandError(f"token {token_id} is revoked already")
    _apply(deployment, AccessTokenRevoked, {"token_id": token_id})
    if "token_hash" in _token(deployment, token_id):
        raise CommandError(f"token {token_id} is still there: it was changed at a later date")
    show(f"Revoked token {token_id}.")


@tokens.command("show")
def show_token(context: typer.Context, token_id: TokenId) -> None:
    """Show whose a token is, what it may do, and until when; never its secret or hash.

    Example: usagectl token show 7
    """
    item = _token(target(context), token_id)
    if "token_hash" not in item:
        show_json({"id": token_id, "state": "revoked"})
        return
    expires_at = item.get("expires_at", {}).get("S")
    is_dead = expires_at is not None and expires_at <= format_timestamp(now())
    show_json(
        {
            "id": token_id,
            "state": "expired" if is_dead else "valid",
            "tokenable_type": item["tokenable_type"]["S"],
            "tokenable_id": int(item["tokenable_id"]["N"]),
            "abilities": [ability["S"] for ability in item["abilities"]["L"]],
            "created_at": item.get("created_at", {}).get("S"),
            "expires_at": expires_at,
        }
    )


def _token(deployment: Deployment, token_id: int) -> dict[str, Any]:
    item = deployment.dynamodb.get_item(
        TableName=deployment.tables.access_tokens,
        Key={"token_id": {"N": str(token_id)}},
        ConsistentRead=True,
    ).get("Item")
    if item is None:
        raise CommandError(f"there is no token {token_id}")
    return dict(item)


@members.command("set")
def set_member(
    context: typer.Context,
    workspace: Workspace,
    user: User,
    permission: Annotated[
        list[str], typer.Option(help="All permissions of the member, each with its own option.")
    ] = [],  # noqa: B006 - Typer copies it
) -> None:
    """Make a user a member of a workspace, or give a member other permissions.

    Example: usagectl member set -w 11 -u 42 --permission read_users_activity
    """
    record = {"workspace_id": workspace, "user_id": user, "permissions": permission}
    _apply(target(context), WorkspaceMemberChanged, {"member": record})
    rights = ", ".join(permission) or "no permissions"
    show(f"User {user} is a member of workspace {workspace}, with {rights}.")


@members.command("remove")
def remove_member(context: typer.Context, workspace: Workspace, user: User) -> None:
    """Remove a member: they are refused from the next request on.

    Example: usagectl member remove -w 11 -u 42
    """
    record = {"workspace_id": workspace, "user_id": user}
    _apply(target(context), WorkspaceMemberRemoved, record)
    show(f"User {user} is no member of workspace {workspace}.")


def _apply(deployment: Deployment, event: type[Event], detail: dict[str, Any]) -> None:
    """Brings about what the event says, as the recorder would."""
    moment = now()
    happened = event.model_validate({"occurred_at": format_timestamp(moment), **detail})
    place = deployment.destination
    recorder = Recorder(place.dynamodb, place.tables, place.zone)
    recorder.apply(happened.change(), moment)


def forget_user(
    context: typer.Context,
    user: Annotated[int, typer.Argument(min=1, metavar="USER", help="The user's id.")],
    delete_rows: Annotated[
        bool,
        typer.Option(
            "--delete-rows", help="Delete the user's rows, and the media behind them, as well."
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
    deployment = target(context)
    if not yes:
        what = "everything of" if delete_rows else "tokens, memberships and e-mail address of"
        typer.confirm(f"Erase {what} user {user} in {deployment.name}, for good?", abort=True)
    with progress("items looked at") as bar:
        task = bar.add_task("erasing", total=None)
        report = Eraser(
            deployment.destination,
            tokenable_type,
            delete_rows,
            lambda items: bar.advance(task, items),
        ).erase(user, now())
    show_json(report.as_dict())
