"""The command ``setting min-date``."""

import json
from datetime import UTC, date
from typing import Annotated

import typer

from usagectl.cli.arguments import AsJson, parse_day, refuse
from usagectl.cli.output import show, show_json
from usagectl.cli.target import find_deployment

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

    from workspace_usage.listing.min_date import parse_min_date

    resources = find_deployment(context).resources
    if date is not None or off:
        day = None if date is None else f"{date}"
        resources.write_min_date(json.dumps({"enabled": not off, "date": day}))
    earliest = parse_min_date(resources.read_min_date(), UTC)
    if as_json:
        show_json({"enabled": earliest is not None, "date": earliest and f"{earliest.date()}"})
        return
    show(
        "All days are shown." if earliest is None else f"Nothing before {earliest.date()} is shown."
    )
