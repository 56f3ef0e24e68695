"""Runs ``sam deploy``; for a stack's creation, twice.

If a creation fails, CloudFormation deletes what it has made, but DynamoDB refuses to delete
protected tables. So the tables are made without protection, and the second deployment protects
them.
"""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tools.deploy.environment import SAMCONFIG
from tools.deploy.errors import DeployError
from tools.deploy.kept_setting import read_setting, restore_setting
from tools.deploy.target import Target

BUILT_TEMPLATE: Final = SAMCONFIG.parent / ".aws-sam" / "build" / "template.yaml"
"""What `make build` makes. Without it, sam would deploy the sources without their packages."""

_PROTECTION: Final = "DeletionProtection"
_SAMCONFIG_ADVICE: Final = "write the setting into samconfig.toml"
_TEMPLATE_ADVICE: Final = "what `make build` has made is deployed"
_REFUSED_FLAGS: Final[Mapping[str, str]] = {
    "--config-env": "choose the environment with ENV",
    "--config-file": _SAMCONFIG_ADVICE,
    "--parameter-overrides": _SAMCONFIG_ADVICE,
    "--profile": "run `export AWS_PROFILE=...` first, so that the checks use it, too",
    "--region": "run `export AWS_DEFAULT_REGION=...` first, so that the checks use it, too",
    "--stack-name": _SAMCONFIG_ADVICE,
    "--tags": _SAMCONFIG_ADVICE,
    "--template": _TEMPLATE_ADVICE,
    "--template-file": _TEMPLATE_ADVICE,
    "-t": _TEMPLATE_ADVICE,
}
"""Options of sam's that the checks would not know, with what to do instead."""


def run_command(command: list[str]) -> int:
    """Runs a command in this terminal; returns its exit code."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - sam


def check_flags(flags: Sequence[str]) -> None:
    """Raises DeployError for an option of sam's that can't be in ``FLAGS``."""
    for flag in flags:
        option = flag.partition("=")[0]
        if option in _REFUSED_FLAGS:
            raise DeployError(f"FLAGS can't have {option}: {_REFUSED_FLAGS[option]}.")


def sam_commands(
    target: Target, sam: str, flags: Sequence[str], template: Path = BUILT_TEMPLATE
) -> Iterator[list[str]]:
    """Yields the commands to run one after the other.

    Args:
        target: the environment's target.
        sam: the path of the command.
        flags: more options for sam.
        template: the built template.

    Raises:
        DeployError: nothing is built.
    """
    if not template.exists():
        raise DeployError(f"Nothing is built: {template} is missing. Run `make build`.")
    values = target.template.values
    command = [sam, "deploy", "--config-env", target.environment.name, "--region", target.region]
    # sam would look for samconfig.toml beside the template.
    command += ["--config-file", str(SAMCONFIG), "--template-file", str(template)]
    if target.is_created or values[_PROTECTION] == "false":
        yield [*command, *_overrides(values), *flags]
        return
    yield [*command, *_overrides({**values, _PROTECTION: "false"}), *flags]
    yield [*command, *_overrides(values), *flags, "--no-confirm-changeset"]


def _overrides(values: Mapping[str, str]) -> list[str]:
    """Returns the option that names the parameters.

    A deployment names all of them. sam keeps the deployed value of a parameter that is not named,
    even if samconfig.toml had it and now leaves it to the template's default.
    """
    return ["--parameter-overrides", *(f'{name}="{value}"' for name, value in values.items())]


def deploy(
    target: Target, commands: Iterable[list[str]], run: Callable[[list[str]], int] = run_command
) -> int:
    """Runs commands until one fails, and keeps the setting that a deployment may reset.

    sam's exit code is 0, too, if the answer to its question is no. So the second command, which
    asks nothing, runs only if the first one has created the stack.

    Args:
        target: the environment's target.
        commands: what ``sam_commands`` returns.
        run: runs a command and returns its exit code.

    Returns:
        The last command's exit code, or 1 if the setting could not be restored.
    """
    first, *others = commands
    setting = read_setting(target)
    try:
        exit_code = run(first)
        for command in others:
            if exit_code or not replace(target).is_created:
                break
            exit_code = run(command)
    finally:
        is_kept = restore_setting(target, setting)
    return exit_code if is_kept else 1
