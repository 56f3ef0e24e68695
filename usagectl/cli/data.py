"""Commands that move data: export, send."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from usagectl.cli.common import (
    AsJson,
    Workspace,
    day,
    number_of,
    progress,
    refuse,
    show,
    show_json,
    target,
)


def export_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the files.")],
    workspace: Workspace,
    start_date: Annotated[
        date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="First day, in UTC (all)."),
    ] = None,
    end_date: Annotated[
        date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="Last day, in UTC (all)."),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One table for a spreadsheet, instead of NDJSON.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a workspace's rows and members in the import's format, or its rows as CSV.

    Example: usagectl export ./january -w 11 --start-date 2026-01-01 --end-date 2026-01-31
    """
    if start_date and end_date and end_date < start_date:
        refuse(context, "--end-date", f"must not be before --start-date, {start_date}")
    if folder.exists() and not folder.is_dir():
        refuse(context, "FOLDER", f"{folder} is not a folder")

    from usagectl.export import Selection, export

    deployment = target(context)
    with progress("rows") as bar:
        task = bar.add_task("exporting", total=None)
        written = export(
            deployment.dynamodb,
            deployment.tables,
            Selection(workspace, start_date, end_date),
            folder,
            as_csv=as_csv,
            advance=lambda rows: bar.advance(task, rows),
        )
    if as_json:
        show_json({"folder": str(folder), "files": {file.name: file.lines for file in written}})
        return
    for file in written:
        show(f"{number_of(file.lines, file.noun)} in {folder / file.name}.")


def send_(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Events as EventBridge delivers them, one a file."),
    ],
) -> None:
    """Send events to the deployment's bus, as the platform does; all are checked first.

    Example: usagectl --endpoint http://127.0.0.1:3000 send events/event-execution-recorded.json
    """
    for path in files:
        if not path.is_file():
            refuse(context, "FILE", f"there is no file {path}")

    from usagectl.send import read_event, send

    events = [read_event(path) for path in files]
    deployment = target(context)
    number = send(deployment.events, deployment.output("EventBusName"), events)
    takes = "It takes" if number == 1 else "They take"
    show(f"Sent {number_of(number, 'event')}. {takes} effect in a moment.")
