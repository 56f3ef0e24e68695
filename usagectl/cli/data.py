"""Commands that move data: import, export, send."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer

from usagectl.checkpoint import Checkpoint
from usagectl.cli.common import REJECTED, Workspace, day, progress, show, target
from usagectl.dataset import (
    RECORDS,
    Rejection,
    count_lines,
    find_file,
    read_items,
    read_min_date,
)
from usagectl.errors import CommandError
from usagectl.export import Selection, export
from usagectl.load import Loader, LoadReport, Notify
from usagectl.send import read_event, send

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The data set's folder.")]


def import_(
    context: typer.Context,
    folder: Folder,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check every line; nothing is written.")
    ] = False,
    keep_newer: Annotated[
        bool,
        typer.Option(
            "--keep-newer", help="Leave what events have written since; several times slower."
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Where to note how far it got (FOLDER/.import-checkpoint.json)."),
    ] = None,
    rejected: Annotated[
        Path, typer.Option(help="Where to write which lines can't be used, and why.")
    ] = Path("rejected.txt"),
) -> None:
    """Load a data set: NDJSON files, plain or .gz, as docs/import.md describes.

    Started again after an interruption, it goes on where it was. Loading twice changes nothing.

    Exit codes: 0 everything was loaded, 1 it could not go on, 3 some lines could not be used.

    Example: usagectl import ./history --dry-run
    """
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder")
    total = count_lines(folder)
    with ExitStack() as parts:
        rejections = parts.enter_context(_Report(rejected))
        bar = parts.enter_context(progress("lines"))
        task = bar.add_task("checking" if dry_run else "loading", total=total)

        def advance(lines: int) -> None:
            bar.advance(task, lines)

        if dry_run:
            report = _check(folder, advance, rejections)
        else:
            deployment = target(context)
            notes = Checkpoint(
                checkpoint or folder / ".import-checkpoint.json",
                f"{deployment.name} {deployment.tables.executions} {deployment.url}",
            )
            rejections.goes_on = notes.is_resumed
            if notes.is_resumed:
                bar.console.print("Going on where the last import stopped.")
            loader = Loader(deployment.destination, advance, rejections.add, notes, keep_newer)
            report = loader.load(folder)
    _summarise(report, "Fit to be loaded" if dry_run else "Loaded")
    if report.rejected:
        show(f"{report.rejected:,} can't be used: see {rejected}")
        raise typer.Exit(REJECTED)


class _Report:
    """The file of rejected lines, made when there is the first."""

    def __init__(self, path: Path) -> None:
        self.goes_on = False
        self._path = path
        self._file: IO[str] | None = None

    def add(self, rejection: Rejection) -> None:
        """Writes one."""
        if self._file is None:
            self._file = self._path.open("a" if self.goes_on else "w", encoding="utf-8")
        self._file.write(f"{rejection}\n")

    def __enter__(self) -> "_Report":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _check(folder: Path, advance: Notify, rejections: _Report) -> LoadReport:
    """What loading would make of a data set."""
    report = LoadReport()
    for records in RECORDS:
        path = find_file(folder, records)
        fit, last = 0, 0
        for number, item in read_items(path, records) if path else ():
            advance(number - last)
            last = number
            if isinstance(item, Rejection):
                rejections.add(item)
                report.rejected += 1
            else:
                fit += 1
        report.loaded[records.file] = fit
    setting = read_min_date(folder)
    if isinstance(setting, Rejection):
        rejections.add(setting)
        report.rejected += 1
    return report


def _summarise(report: LoadReport, verb: str) -> None:
    found = [f"{number:,} from {name}" for name, number in report.loaded.items() if number]
    show(f"{verb}: {', '.join(found) or 'nothing'}.")


def export_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the files.")],
    workspace: Workspace,
    start_date: Annotated[str | None, typer.Option(help="First day, in UTC (all).")] = None,
    end_date: Annotated[str | None, typer.Option(help="Last day, in UTC (all).")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One table for a spreadsheet, instead of NDJSON.")
    ] = False,
) -> None:
    """Write a workspace's rows and members in the import's format, or its rows as CSV.

    Example: usagectl export ./january -w 11 --start-date 2026-01-01 --end-date 2026-01-31
    """
    selection = Selection(
        workspace,
        None if start_date is None else day(start_date),
        None if end_date is None else day(end_date),
    )
    deployment = target(context)
    with progress("rows") as bar:
        task = bar.add_task("exporting", total=None)
        written = export(
            deployment.dynamodb,
            deployment.tables,
            selection,
            folder,
            as_csv=as_csv,
            advance=lambda rows: bar.advance(task, rows),
        )
    for name, number in written.items():
        show(f"{number:,} in {folder / name}")


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
    events = [read_event(path) for path in files]
    deployment = target(context)
    number = send(deployment.events, deployment.output("EventBusName"), events)
    show(f"Sent {number}; they show in the listing in a moment.")
