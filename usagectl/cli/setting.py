"""The commands ``setting min-date`` and ``setting check-caller``."""

from datetime import date
from typing import Annotated

import typer

from usagectl.cli.arguments import AsJson, Workspace, check_token, parse_day, refuse
from usagectl.cli.output import show, show_json
from usagectl.cli.target import find_deployment
from usagectl.errors import CommandError

settings = typer.Typer()


@settings.command("min-date")
def min_date(
    context: typer.Context,
    date: Annotated[
        date | None,
        typer.Argument(parser=parse_day, metavar="DATE", help="Rows before this day are hidden."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Show all days.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show or set usage_history_min_date. A change takes effect within a minute.

    Example: usagectl setting min-date 2026-01-01
    """
    if date is not None and off:
        refuse(context, "--off", "give a date or --off, not both")

    from workspace_usage.listing.min_date import MinDateSetting, parse_min_date

    resources = find_deployment(context).resources
    if date is not None or off:
        resources.write_min_date(MinDateSetting(enabled=not off, date=date).to_json())
    first_day = parse_min_date(resources.read_min_date())
    if as_json:
        day = None if first_day is None else f"{first_day}"
        show_json({"enabled": first_day is not None, "date": day})
        return
    show("All days are shown." if first_day is None else f"Nothing before {first_day} is shown.")


@settings.command("check-caller")
def check_caller(
    context: typer.Context,
    token: Annotated[
        str, typer.Option(envvar="USAGECTL_TOKEN", metavar="TOKEN", help="The token of the checks.")
    ],
    workspace: Workspace,
) -> None:
    """Store the token and the workspace with which the checks on a schedule call the API.

    They are stored, encrypted, if the API accepts them.

    Example: usagectl setting check-caller --token "$TOKEN" -w 11
    """
    check_token(context, token)

    from usagectl.findings import Problem
    from usagectl.service_check import Caller, check_listing
    from usagectl.stored_caller import store_caller

    deployment = find_deployment(context)
    caller = Caller(token, workspace)
    try:
        check_listing(deployment.url, caller)
    except Problem as error:
        raise CommandError(f"The API does not accept this caller: {error}.") from None
    store_caller(deployment.ssm, deployment.output("CheckCallerParameterName"), caller)
    show(f"The checks on a schedule call the API for workspace {workspace}.")
