"""An environment of ``samconfig.toml``: which stack it is, and which parameters it has."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.deploy.errors import DeployError

SAMCONFIG: Final = Path(__file__).parents[2] / "samconfig.toml"

_NOT_DEPLOYED: Final = {"default"}
"""Sections of samconfig.toml for commands that deploy nothing."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, as samconfig.toml describes it.

    Attributes:
        name: its name, such as ``prod``.
        stack: the name of its stack.
        region: the region that samconfig.toml names, or None if it names none.
        overrides: the parameters that have another value than the template's default, each as
            samconfig.toml spells it: ``Name=value``.
        tags: the stack's tags.
    """

    name: str
    stack: str
    region: str | None
    overrides: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def parameters(self) -> Mapping[str, str]:
        """The values of these parameters by their names."""
        pairs = (override.split("=", 1) for override in self.overrides)
        return {name: value.strip('"') for name, value in pairs}


def environment_names(path: Path = SAMCONFIG) -> list[str]:
    """Returns the names of the environments in samconfig.toml."""
    return [
        name
        for name, section in _read(path).items()
        if isinstance(section, dict) and name not in _NOT_DEPLOYED
    ]


def read_environment(name: str, path: Path = SAMCONFIG) -> Environment:
    """Returns an environment.

    Raises:
        DeployError: samconfig.toml has no such environment, or it chooses a profile, which the
            checks would not use.
    """
    names = environment_names(path)
    if name not in names:
        raise DeployError(f"samconfig.toml has no environment {name}; it has {', '.join(names)}.")
    section = _read(path)[name]
    settings = section["global"]["parameters"] | section["deploy"]["parameters"]
    if "profile" in settings:
        raise DeployError(
            f"samconfig.toml, environment {name}: delete `profile`, and run"
            " `export AWS_PROFILE=...` instead, so that the checks use it, too."
        )
    return Environment(
        name=name,
        stack=settings["stack_name"],
        region=settings.get("region"),
        overrides=tuple(settings["parameter_overrides"]),
        tags=dict(tag.split("=", 1) for tag in settings["tags"]),
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
