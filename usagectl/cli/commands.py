"""The commands by their names. Each is imported when it is needed.

What a command needs takes up to a second to import. The list of commands, and other commands, must
not wait for it.
"""

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


class Command(NamedTuple):
    """Where a command is, and what the list of commands says about it.

    Attributes:
        module: the module in ``usagectl.cli``.
        name: the command's function in that module, or its group of commands.
        summary: a sentence for the list of commands.
        example: an example of a group's commands. A function has its example in its docstring.
    """

    module: str
    name: str
    summary: str
    example: str = ""


COMMANDS: Final = {
    "import": Command("import_", "import_", "Load a data set."),
    "prepare": Command("prepare", "prepare_", "Write a data set's rows for DynamoDB's import."),
    "export": Command("export", "export_", "Write a workspace's rows and members into files."),
    "send": Command("send", "send_", "Send events to the deployment's bus."),
    "token": Command(
        "token", "tokens", "Issue, revoke and show access tokens.", "token issue --user 1"
    ),
    "member": Command(
        "member",
        "members",
        "Add, change and remove members of workspaces.",
        "member set -w 11 -u 42 --permission read_users_activity",
    ),
    "forget-user": Command("forget_user", "forget_user", "Erase a person."),
    "setting": Command(
        "setting", "settings", "Show and change the app's settings.", "setting min-date 2026-01-01"
    ),
    "recorder": Command(
        "recorder", "recorder", "Let events wait, or apply them again.", "recorder pause"
    ),
    "recount": Command("recount", "recount_", "Have a workspace's rows counted."),
    "doctor": Command("doctor", "doctor", "Check a deployment from end to end."),
}


class Commands(TyperGroup):
    """The group of all commands. Typer's contexts and formatters have no public types."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Returns their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Returns a command, or None if no command has that name."""
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        implementation = getattr(import_module(f"usagectl.cli.{command.module}"), command.name)
        if isinstance(implementation, typer.Typer):
            implementation.rich_markup_mode = None
            group = get_group(implementation)
            group.help = f"{command.summary}\n\nExample: usagectl {command.example}"
            group.no_args_is_help = False
            return _with_whole_examples(group)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name)(implementation)
        return _with_whole_examples(get_command(app))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the command that the first argument names, or fails with a similar name."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            similar = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            ctx.fail(f"There is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])


def _with_whole_examples(command: Any) -> Any:
    """Returns the command with each of its examples on one line, so that they can be copied."""
    if command.help:
        command.help = command.help.replace("\n\nExample:", "\n\n\b\nExample:")
    for inner in getattr(command, "commands", {}).values():
        _with_whole_examples(inner)
    return command
