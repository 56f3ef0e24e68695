"""Commands about the deployment itself: setting, recorder, recount, doctor."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from usagectl.cli.common import (
    AsJson,
    day,
    now,
    number_of,
    parse_id,
    progress,
    refuse,
    show,
    show_json,
    target,
)

if TYPE_CHECKING:
    from usagectl.recount import Recount

settings = typer.Typer()
recorder = typer.Typer()


@settings.command("min-date")
def min_date(
    context: typer.Context,
    date: Annotated[
        date | None,
        typer.Argument(parser=day, metavar="DATE", help="Nothing before it is shown."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Show everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show usage_history_min_date, or set it; it takes effect within a minute.

    Example: usagectl setting min-date 2026-01-01
    """
    if date is not None and off:
        refuse(context, "--off", "give a date or --off, not both")

    from workspace_usage.listing.min_date import MinDateSetting, parse_min_date

    deployment = target(context)
    name = deployment.output("MinDateParameterName")
    if date is not None or off:
        value = MinDateSetting(enabled=not off, date=date).to_json()
        deployment.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    value = deployment.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    first_day = parse_min_date(value)
    if as_json:
        day = None if first_day is None else f"{first_day}"
        show_json({"enabled": first_day is not None, "date": day})
        return
    show("All days are shown." if first_day is None else f"Nothing before {first_day} is shown.")


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
            "--workspace",
            "-w",
            parser=parse_id,
            metavar="ID",
            help="A workspace's id; can be given more than once.",
        ),
    ],
) -> None:
    """Count a workspace's rows again, for pages far down.

    The listing is right meanwhile, and slower.

    Example: usagectl recount -w 11
    """
    from usagectl.recount import recount

    destination = target(context).destination
    with progress("workspaces") as bar:
        for workspace_id in bar.track(workspace, description="counting"):
            counted = recount(destination, workspace_id, now())
            show(f"Workspace {workspace_id} {_how_far(counted)}.")


def _how_far(counted: "Recount") -> str:
    from workspace_usage.rollups.counting import WORTHWHILE

    head = counted.head
    if head is not None and head.is_held:
        return "is being written or counted by something else, and is counted after that"
    if head is not None and head.counted_until:
        return f"is counted up to {head.counted_until.partition('#')[0]}"
    if counted.is_disturbed:
        return "isn't counted: rows came late all the time; try again later"
    rows = number_of(WORTHWHILE, "row")
    return f"has fewer than {rows} that are older than three minutes, and needs no counts"


def doctor(
    context: typer.Context,
    token: Annotated[
        str | None,
        typer.Option(envvar="USAGECTL_TOKEN", metavar="TOKEN", help="A token to ask the API with."),
    ] = None,
    workspace: Annotated[
        int | None,
        typer.Option(
            "--workspace", "-w", parser=parse_id, metavar="ID", help="The workspace to ask for."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a deployment: tables, indexes, setting, bucket, queues, and a request to the API.

    Exit codes: 0 all is well, 1 something is not.

    Example: usagectl doctor --token "$TOKEN" --workspace 11
    """
    if token is not None and workspace is None:
        refuse(context, "--token", "goes together with --workspace")
    if workspace is not None and token is None:
        refuse(context, "--workspace", "goes together with --token")
    if token is not None and not (token.isascii() and token.isprintable()):
        refuse(
            context, "--token", "must be a token as it was issued: plain characters, no line break"
        )

    from usagectl.doctor import Caller, Finding, examine

    caller = None if token is None or workspace is None else Caller(token, workspace)
    findings: list[Finding] = []
    for finding in examine(target(context), caller):
        findings.append(finding)
        if not as_json:
            _show_finding(finding.is_well, f"{finding.check}: {finding.detail}")
    if as_json:
        show_json([{"check": f.check, "ok": f.is_well, "detail": f.detail} for f in findings])
    if any(finding.is_well is False for finding in findings):
        raise typer.Exit(1)


def _show_finding(is_well: bool | None, text: str) -> None:
    mark, colour = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("skip", "yellow")}[
        is_well
    ]
    typer.echo(f"{typer.style(mark, fg=colour)} {text}")
