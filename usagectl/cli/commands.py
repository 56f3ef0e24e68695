"""The commands by their names, each imported when it is asked for.

What a command needs takes up to a second to import; a list of commands, or another command, must
not wait for it.
"""

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


class Command(NamedTuple):
    """Where a command is found, and what the list of commands says of it.

    A group of commands has an example as well, since it isn't a function that could have one.
    """

    module: str
    name: str
    summary: str
    example: str = ""


COMMANDS: Final = {
    "import": Command("importing", "import_", "Load a data set."),
    "export": Command("data", "export_", "Write a workspace's rows and members into files."),
    "send": Command("data", "send_", "Send events to the deployment's bus."),
    "token": Command(
        "people", "tokens", "Issue, revoke and show access tokens.", "token issue --user 1"
    ),
    "member": Command(
        "people",
        "members",
        "Add, change and remove members of workspaces.",
        "member set -w 11 -u 42 --permission read_users_activity",
    ),
    "forget-user": Command("people", "forget_user", "Erase a person."),
    "setting": Command(
        "stack", "settings", "Show and change the app's settings.", "setting min-date 2026-01-01"
    ),
    "recorder": Command(
        "stack", "recorder", "Let events wait, or have them applied again.", "recorder pause"
    ),
    "recount": Command("stack", "recount_", "Count a workspace's rows again."),
    "doctor": Command("stack", "doctor", "Check a deployment from end to end."),
}


class Commands(TyperGroup):
    """The group of all commands. Typer has no public names for its contexts and formatters."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A command, or None if there is none of that name."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        made = getattr(import_module(f"usagectl.cli.{found.module}"), found.name)
        if isinstance(made, typer.Typer):
            made.rich_markup_mode = None
            group = get_group(made)
            group.help = f"{found.summary}\n\nExample: usagectl {found.example}"
            group.no_args_is_help = False
            return _with_whole_examples(group)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name)(made)
        return _with_whole_examples(get_command(app))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names; where there is none, one that is like it."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            like = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {like[0]}?" if like else ""
            ctx.fail(f"There is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Lists the commands, none of which is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.summary) for name, found in COMMANDS.items()])


def _with_whole_examples(command: Any) -> Any:
    """The command, its examples kept on one line each: so they can be copied."""
    if command.help:
        command.help = command.help.replace("\n\nExample:", "\n\n\b\nExample:")
    for inner in getattr(command, "commands", {}).values():
        _with_whole_examples(inner)
    return command
