"""The command ``prepare``."""

from pathlib import Path
from typing import Annotated

import typer

from usagectl.cli.arguments import AsJson, parse_path, refuse
from usagectl.cli.data_sets import (
    REJECTED,
    DataSetFolder,
    Rejected,
    check_folder,
    report_path_of,
    show_rejected,
)
from usagectl.cli.output import number_of, show, show_json


def prepare_(
    context: typer.Context,
    folder: DataSetFolder,
    output: Annotated[
        Path,
        typer.Argument(
            parser=parse_path, metavar="OUTPUT", help="Where to write the files: an empty folder."
        ),
    ],
    rejected: Rejected = None,
    as_json: AsJson = False,
) -> None:
    """Write a data set's rows as files for DynamoDB's import from S3, which makes new tables.

    For a first import of very many rows: docs/import.md says when, and what to do with the files.
    Tokens, members, the setting and media are not written; load them with import.

    Exit codes: 0 everything was written, 1 it could not finish, 3 some lines could not be used.

    Example: usagectl prepare ./history ./tables
    """
    check_folder(context, folder)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        refuse(context, "OUTPUT", f"{output} is not an empty folder")
    report_path = report_path_of(context, folder, rejected)

    from usagectl.data_set.lines import numbered_lines
    from usagectl.loading.rejection_report import RejectionReport
    from usagectl.preparing.prepare import files_to_prepare, prepare
    from usagectl.progress_bar import ProgressBar

    files = list(files_to_prepare(folder))
    if not files:
        refuse(context, "FOLDER", f"{folder} has no files of rows")
    lines = sum(1 for _, path in files for _ in numbered_lines(path))
    with RejectionReport(report_path) as report, ProgressBar("preparing", "lines", lines) as bar:
        report.truncate()
        prepared = prepare(folder, output, bar.advance, report.add)
    if as_json:
        show_json(
            {
                "written": prepared.written,
                "replaced": prepared.replaced,
                "rejected": prepared.rejected,
                "report": str(report_path) if prepared.rejected else None,
            }
        )
    else:
        for file, _ in files:
            show(f"{number_of(prepared.written[file.name], 'row')} in {output / file.table}.")
        if prepared.replaced:
            lines_of = number_of(prepared.replaced, "line")
            show(f"{lines_of} left out: a later line of the file has the same key.")
        show_rejected(prepared.rejected, report_path)
    if prepared.rejected:
        raise typer.Exit(REJECTED)
