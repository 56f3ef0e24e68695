"""The command that loads a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from usagectl.cli.common import (
    REJECTED,
    AsJson,
    number_of,
    output_file,
    progress,
    refuse,
    show,
    show_json,
    target,
    tell,
)

if TYPE_CHECKING:
    from usagectl.dataset import Rejection
    from usagectl.load import LoadReport

_CHANGES = {"token": "changed or revoked", "member": "changed or removed"}

CHECKPOINT_FILE = ".import-checkpoint.json"


def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The data set's folder.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check every line; nothing is loaded.")
    ] = False,
    keep_newer: Annotated[
        bool,
        typer.Option(
            "--keep-newer", help="Leave rows that events have written since; several times slower."
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Where to note how far it got (FOLDER/{CHECKPOINT_FILE})."
        ),
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write which lines can't be used, and why (FOLDER/.rejected.txt).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load a data set: NDJSON files, plain or .gz, as docs/import.md describes.

    Started again after an interruption, it continues where it was. Loading twice changes nothing.
    Tokens and members that were changed, revoked or removed since stay as they are.

    Exit codes: 0 everything was loaded, 1 it could not finish, 3 some lines could not be used.

    Example: usagectl import ./history --dry-run
    """
    from usagectl.check import check
    from usagectl.checkpoint import Checkpoint
    from usagectl.dataset import count_lines
    from usagectl.load import Loader
    from usagectl.report import REPORT_FILE, Report

    _examine(context, folder)
    notes_path = _beside(context, "--checkpoint", folder, checkpoint or folder / CHECKPOINT_FILE)
    path = _beside(context, "--rejected", folder, rejected or folder / REPORT_FILE)
    if path.absolute() == notes_path.absolute():
        refuse(context, "--rejected", "must be another file than --checkpoint's")
    deployment = None if dry_run else target(context)
    total = count_lines(folder)
    with Report(path) as lines, progress("lines") as bar:
        task = bar.add_task("checking" if dry_run else "loading", total=total)

        def advance(number: int) -> None:
            bar.advance(task, number)

        def reject(rejection: "Rejection") -> None:
            lines.add(rejection.entry)

        if deployment is None:
            lines.cut()
            report = check(folder, advance, reject)
        else:
            name = f"{deployment.name} {deployment.tables.executions} {deployment.url}"
            notes = Checkpoint(notes_path, name, lines)
            if notes.is_resumed:
                tell("Continuing where the last import stopped.")
            loader = Loader(deployment.destination, advance, reject, notes, keep_newer)
            try:
                report = loader.load(folder)
            except KeyboardInterrupt:
                tell("What is noted stays loaded: start it again, and it continues there.")
                raise
    if as_json:
        show_json(
            {
                "dry_run": dry_run,
                "loaded": {name: n for name, n in report.loaded.items() if n},
                "kept": {name: n for name, n in report.kept.items() if n},
                "rejected": report.rejected,
                "uncounted": report.uncounted,
                "report": str(path) if report.rejected else None,
            }
        )
    else:
        _summarise(report, "Can be loaded" if dry_run else "Loaded")
        if report.rejected:
            unusable = number_of(report.rejected, "line or file", "lines or files")
            show(f"{unusable} can't be used; {path} says which, and why.")
    if report.rejected:
        raise typer.Exit(REJECTED)


def _beside(context: typer.Context, name: str, folder: Path, path: Path) -> Path:
    """A file that the import writes: it must not be one of those that it reads."""
    from usagectl.dataset import known_names

    within = path.resolve().relative_to(folder.resolve(), walk_up=True).parts
    if within and within[0] in known_names():
        refuse(context, name, f"{path} belongs to the data set")
    return output_file(context, name, path)


def _examine(context: typer.Context, folder: Path) -> None:
    """Refuses a folder in which there is nothing to load, and says what in it isn't read."""
    from usagectl.dataset import has_data, known_names, strangers

    if not folder.is_dir():
        refuse(context, "FOLDER", f"there is no folder {folder}")
    others = strangers(folder)
    like = [f"{other.name} (did you mean {other.meant}?)" for other in others if other.meant]
    if not has_data(folder):
        names = ", ".join(name for name in known_names() if not name.endswith(".gz"))
        hint = f"; it has {', '.join(like)}" if like else ""
        refuse(context, "FOLDER", f"{folder} has none of the files that are read: {names}{hint}")
    for other in others:
        hint = f": did you mean {other.meant}?" if other.meant else "."
        tell(f"Warning: {folder / other.name} is not read{hint}")


def _summarise(report: "LoadReport", verb: str) -> None:
    from usagectl.dataset import RECORDS

    found = [f"{number:,} from {name}" for name, number in report.loaded.items() if number]
    show(f"{verb}: {', '.join(found) or 'nothing'}.")
    for records in RECORDS:
        kept = report.kept.get(records.file, 0)
        if kept:
            what = _CHANGES.get(records.noun, "changed by events")
            are, stay = ("was", "stays as it is") if kept == 1 else ("were", "stay as they are")
            show(f"{number_of(kept, records.noun)} {are} {what} since and {stay}.")
    if report.uncounted:
        named = " ".join(f"-w {workspace_id}" for workspace_id in report.uncounted)
        show(f"Pages far down are slow until rows are counted: usagectl recount {named}.")
