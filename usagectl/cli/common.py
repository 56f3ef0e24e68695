"""What all commands share: which deployment they are for, and how they speak."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from usagectl.deployment import Deployment
from workspace_usage.position import MAX_ID

REJECTED: Final = 3
"""Exit code of an import that went through, but could not use some lines."""

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)

Workspace = Annotated[
    int, typer.Option("--workspace", "-w", min=1, max=MAX_ID, help="The workspace's id.")
]
User = Annotated[int, typer.Option("--user", "-u", min=1, max=MAX_ID, help="The user's id.")]


@dataclass(slots=True)
class Target:
    """Which deployment the options name; it is looked for when a command needs it."""

    stack: str = "workspace-usage"
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    def find(self) -> Deployment:
        """The deployment.

        Raises:
            CommandError: there is none.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
        """
        if self.endpoint:
            return Deployment.local(self.endpoint)
        return Deployment.in_aws(self.stack, self.region, self.profile)


def target(context: typer.Context) -> Deployment:
    """The deployment that the command line names."""
    found: Target = context.obj
    return found.find()


def show(message: str) -> None:
    """Prints a line, as it stands, to standard output."""
    out.print(message, markup=False, soft_wrap=True)


def show_json(value: object) -> None:
    """Prints a value as JSON, for people and programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def day(text: str) -> date:
    """A date of a command line.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter("must be a date like 2026-01-05") from None


class Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """The rate, as soon as there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def progress(unit: str) -> Progress:
    """A progress bar with rate and time left, on a terminal; gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        Rate(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
