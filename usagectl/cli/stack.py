"""Commands about the deployment itself: setting, recorder, recount, doctor."""

import json
from datetime import UTC
from typing import Annotated

import typer

from usagectl.cli.common import day, now, out, progress, show, target
from usagectl.doctor import Caller, Finding, examine
from usagectl.recount import recount
from workspace_usage.counting import WORTHWHILE
from workspace_usage.min_date import parse_min_date
from workspace_usage.rollups import Head

settings = typer.Typer(no_args_is_help=True, help="Show and change the app's settings.")
recorder = typer.Typer(no_args_is_help=True, help="Let events wait, or have them applied again.")


@settings.command("min-date")
def min_date(
    context: typer.Context,
    date: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="Nothing before it is shown.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Show everything.")] = False,
) -> None:
    """Show usage_history_min_date, or set it; it takes effect within a minute.

    Example: usagectl setting min-date 2026-01-01
    """
    if date is not None and off:
        raise typer.BadParameter("give a date or --off, not both")
    deployment = target(context)
    name = deployment.output("MinDateParameterName")
    if date is not None or off:
        value = json.dumps({"enabled": not off, "date": None if date is None else f"{day(date)}"})
        deployment.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    value = deployment.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    earliest = parse_min_date(value, UTC)
    show("Not enabled." if earliest is None else f"Nothing before {earliest:%Y-%m-%d} is shown.")


@recorder.command("pause")
def pause(context: typer.Context) -> None:
    """Let events wait in their queue (for up to 14 days), so that an import can run.

    Example: usagectl recorder pause
    """
    _switch(context, enabled=False)


@recorder.command("resume")
def resume(context: typer.Context) -> None:
    """Have the recorder apply events again, those first that waited.

    Example: usagectl recorder resume
    """
    _switch(context, enabled=True)


def _switch(context: typer.Context, *, enabled: bool) -> None:
    deployment = target(context)
    answer = deployment.lambda_.update_event_source_mapping(
        UUID=deployment.output("EventSourceMappingId"), Enabled=enabled
    )
    show(f"The recorder is {answer['State'].lower()}; that takes up to a minute.")


def recount_(
    context: typer.Context,
    workspace: Annotated[
        list[int],
        typer.Option(
            "--workspace", "-w", min=1, help="A workspace's id; can be given more than once."
        ),
    ],
) -> None:
    """Count a workspace's rows anew, for pages far down.

    The listing is right meanwhile, and slower.

    Example: usagectl recount -w 11
    """
    destination = target(context).destination
    with progress("workspaces") as bar:
        for workspace_id in bar.track(workspace, description="counting"):
            head = recount(destination, workspace_id, now())
            show(f"Workspace {workspace_id}: {_how_far(head)}")


def _how_far(head: Head | None) -> str:
    if head is not None and head.is_held:
        return "somebody else writes or counts its rows; they are counted after that."
    if head is None or not head.counted_until:
        return f"not counted: fewer than {WORTHWHILE} rows, or rows came late all the time."
    return f"counted until {head.counted_until.partition('#')[0]}."


def doctor(
    context: typer.Context,
    token: Annotated[
        str | None, typer.Option(envvar="USAGECTL_TOKEN", help="A token to ask the API with.")
    ] = None,
    workspace: Annotated[int | None, typer.Option("--workspace", "-w", min=1)] = None,
) -> None:
    """Check a deployment: tables, indexes, setting, bucket, queues, and a request to the API.

    Exit codes: 0 all is well, 1 something is not.

    Example: usagectl doctor --token "$TOKEN" --workspace 11
    """
    if (token is None) != (workspace is None):
        raise typer.BadParameter("--token and --workspace go together")
    caller = None if token is None or workspace is None else Caller(token, workspace)
    is_well = True
    for finding in examine(target(context), caller):
        out.print(_line(finding), soft_wrap=True)
        is_well = is_well and finding.is_well is not False
    if not is_well:
        raise typer.Exit(1)


def _line(finding: Finding) -> str:
    mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]skip[/]"}
    return f"{mark[finding.is_well]} {finding.check}: {_plain(finding.detail)}"


def _plain(text: str) -> str:
    """Text in which nothing is markup."""
    return text.replace("[", "\\[")
