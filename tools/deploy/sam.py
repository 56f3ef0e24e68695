"""Runs ``sam deploy``; for a stack's creation, twice.

If a creation fails, CloudFormation deletes what it has made, but DynamoDB refuses to delete
protected tables. So the tables are made without protection, and the second deployment protects
them.
"""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from tools.deploy.errors import DeployError
from tools.deploy.target import Target

_PROTECTION: Final = "DeletionProtection"
_OURS: Final = (
    "--config-env",
    "--config-file",
    "--parameter-overrides",
    "--region",
    "--stack-name",
)
"""Options of sam's that samconfig.toml decides. The checks would know nothing of other values."""


def run_command(command: list[str]) -> int:
    """Runs a command in this terminal; returns its exit code."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - sam


def sam_commands(target: Target, sam: str, flags: Sequence[str]) -> Iterator[list[str]]:
    """Yields the commands to run one after the other.

    Args:
        target: the environment's target.
        sam: the path of the command.
        flags: more options for sam.

    Raises:
        DeployError: an option can't be given in this way.
    """
    for flag in flags:
        if flag.partition("=")[0] in _OURS:
            raise DeployError(f"FLAGS can't have {flag}: write the setting into samconfig.toml.")
    environment = target.environment
    command = [sam, "deploy", "--config-env", environment.name, "--region", target.region]
    if target.is_created or target.template.values[_PROTECTION] == "false":
        yield [*command, *flags]
        return
    unprotected = [
        override for override in environment.overrides if not override.startswith(f"{_PROTECTION}=")
    ]
    yield [*command, "--parameter-overrides", *unprotected, f"{_PROTECTION}=false", *flags]
    yield [*command, *flags, "--no-confirm-changeset"]


def deploy(
    target: Target, commands: Iterable[list[str]], run: Callable[[list[str]], int] = run_command
) -> int:
    """Runs commands until one fails; returns the last one's exit code.

    sam's exit code is 0, too, if the answer to its question is no. So the second command, which
    asks nothing, runs only if the first one has created the stack.

    Args:
        target: the environment's target.
        commands: what ``sam_commands`` returns.
        run: runs a command and returns its exit code.
    """
    first, *others = commands
    exit_code = run(first)
    for command in others:
        if exit_code or not replace(target).is_created:
            break
        exit_code = run(command)
    return exit_code
