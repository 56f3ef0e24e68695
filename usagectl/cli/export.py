"""The command ``export``."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from usagectl.cli.arguments import AsJson, Workspace, parse_day, parse_path, refuse
from usagectl.cli.output import number_of, show, show_json
from usagectl.cli.target import find_deployment


def export_(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(parser=parse_path, metavar="FOLDER", help="Where to write the files.")
    ],
    workspace: Workspace,
    start_date: Annotated[
        date | None,
        typer.Option(parser=parse_day, metavar="YYYY-MM-DD", help="The first day, in UTC (all)."),
    ] = None,
    end_date: Annotated[
        date | None,
        typer.Option(parser=parse_day, metavar="YYYY-MM-DD", help="The last day, in UTC (all)."),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Write what the listing shows, for a spreadsheet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a workspace's rows and members in the import's format, or the listing as CSV.

    Example: usagectl export ./january -w 11 --start-date 2026-01-01 --end-date 2026-01-31
    """
    if start_date and end_date and end_date < start_date:
        refuse(context, "--end-date", f"must not be before --start-date, {start_date}")
    if folder.exists() and not folder.is_dir():
        refuse(context, "FOLDER", f"{folder} is not a folder")

    from usagectl.exporting.export import Exporter
    from usagectl.exporting.selection import Selection
    from usagectl.progress_bar import ProgressBar

    deployment = find_deployment(context)
    selection = Selection(workspace, start_date, end_date)
    with ProgressBar("exporting", "rows") as bar:
        exporter = Exporter(deployment.dynamodb, deployment.tables, bar.advance)
        written = exporter.export(selection, folder, as_csv=as_csv)
    if as_json:
        show_json({"folder": str(folder), "files": {file.name: file.lines for file in written}})
        return
    for file in written:
        show(f"{number_of(file.lines, file.noun)} in {folder / file.name}.")
