"""The commands ``member set``, ``member remove``, ``member show`` and ``member list``."""

from typing import Annotated, Final

import typer

from usagectl.access.descriptions import membership_payload
from usagectl.cli.arguments import AsJson, User, Workspace
from usagectl.cli.output import show, show_fields, show_table
from usagectl.cli.people import AllowUnknown, access_tables, check_words
from usagectl.errors import CommandError
from workspace_usage.access.scope import READ_USERS_ACTIVITY, Membership

PERMISSIONS: Final = (READ_USERS_ACTIVITY,)
"""The permissions that this service knows."""

members = typer.Typer(no_args_is_help=True)


@members.command("set")
def set_member(
    context: typer.Context,
    workspace: Workspace,
    user: User,
    permission: Annotated[
        list[str],
        typer.Option(
            help="A permission that the member has from now on; can be given more than once."
        ),
    ] = [],  # noqa: B006 - Typer copies it
    allow_unknown: AllowUnknown = False,
) -> None:
    """Make a user a member, or replace a member's permissions.

    Example: usagectl member set -w 11 -u 42 --permission read_users_activity
    """
    check_words("--permission", "permission", permission, PERMISSIONS, allow_unknown)
    membership = Membership(workspace, user, frozenset(permission))
    is_changed = access_tables(context).set_member(membership)
    permissions = ", ".join(sorted(membership.permissions)) or "no permissions"
    sentence = f"User {user} is a member of workspace {workspace}"
    if is_changed:
        show(f"{sentence}, with {permissions}.")
    else:
        show(f"{sentence} already, with {permissions}; nothing was changed.")


@members.command("remove")
def remove_member(context: typer.Context, workspace: Workspace, user: User) -> None:
    """Remove a member from a workspace. The member's next request is refused.

    Example: usagectl member remove -w 11 -u 42
    """
    if access_tables(context).remove_member(workspace, user):
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
    item = access_tables(context).member(workspace, user)
    if item is None:
        raise CommandError(f"User {user} is not a member of workspace {workspace}.")
    show_fields(membership_payload(item), as_json)


@members.command("list")
def list_members(context: typer.Context, workspace: Workspace, as_json: AsJson = False) -> None:
    """List the members of a workspace, with their permissions.

    Example: usagectl member list -w 11
    """
    items = access_tables(context).members(workspace)
    listed = [membership_payload(item) for item in items]
    show_table(listed, as_json, f"Workspace {workspace} has no members.")
