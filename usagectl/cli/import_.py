"""The command ``import``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from usagectl.cli.arguments import AsJson, parse_path, refuse
from usagectl.cli.data_sets import (
    REJECTED,
    DataSetFolder,
    Rejected,
    check_folder,
    check_written_file,
    report_path_of,
    show_rejected,
)
from usagectl.cli.output import number_of, show, show_json, tell
from usagectl.cli.target import find_deployment

if TYPE_CHECKING:
    from usagectl.deployment import Deployment
    from usagectl.loading.rejection_report import RejectionReport
    from usagectl.loading.report import LoadReport

CHECKPOINT_FILE: Final = ".import-checkpoint.json"

_KEPT_BECAUSE: Final = {"token": "changed or revoked", "member": "changed or removed"}


def import_(
    context: typer.Context,
    folder: DataSetFolder,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check every line; nothing is loaded.")
    ] = False,
    keep_newer: Annotated[
        bool,
        typer.Option(
            "--keep-newer",
            help="Leave rows as they are that an event has written; several times slower.",
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="FILE",
            help=f"Where to note how far the import got (FOLDER/{CHECKPOINT_FILE}).",
        ),
    ] = None,
    rejected: Rejected = None,
    as_json: AsJson = False,
) -> None:
    """Load a data set: NDJSON files, plain or .gz, as docs/import.md describes.

    After an interruption, start it again: it continues where it stopped. Loading a data set twice
    changes nothing. Tokens and members that were changed, revoked or removed since stay as they
    are.

    Exit codes: 0 everything was loaded, 1 it could not finish, 3 some lines could not be used.

    Example: usagectl import ./history --dry-run
    """
    from usagectl.loading.checkpoint import may_be_checkpoint
    from usagectl.loading.rejection_report import RejectionReport

    check_folder(context, folder)
    checkpoint_path = checkpoint or folder / CHECKPOINT_FILE
    check_written_file(context, "--checkpoint", folder, checkpoint_path)
    report_path = report_path_of(context, folder, rejected)
    if checkpoint is not None and not may_be_checkpoint(checkpoint):
        refuse(context, "--checkpoint", f"{checkpoint} is another file, which would be lost")
    if report_path.absolute() == checkpoint_path.absolute():
        refuse(context, "--rejected", "must be another file than that of --checkpoint")
    deployment = None if dry_run else find_deployment(context)
    with RejectionReport(report_path) as rejections:
        if deployment is None:
            report = _check(folder, rejections)
        else:
            report = _load(deployment, folder, checkpoint_path, rejections, keep_newer=keep_newer)
    if as_json:
        _show_json(report, report_path, dry_run=dry_run)
    else:
        _show_sentences(report, report_path, dry_run=dry_run)
    if report.rejected:
        raise typer.Exit(REJECTED)


def _check(folder: Path, rejections: "RejectionReport") -> "LoadReport":
    from usagectl.data_set.payload_files import count_lines
    from usagectl.loading.dry_run import check
    from usagectl.progress_bar import ProgressBar

    rejections.truncate()
    with ProgressBar("checking", "lines", count_lines(folder)) as bar:
        return check(folder, bar.advance, rejections.add)


def _load(
    deployment: "Deployment",
    folder: Path,
    checkpoint_path: Path,
    rejections: "RejectionReport",
    *,
    keep_newer: bool,
) -> "LoadReport":
    from usagectl.data_set.payload_files import count_lines
    from usagectl.loading.checkpoint import Checkpoint
    from usagectl.loading.loader import Loader
    from usagectl.progress_bar import ProgressBar

    total = count_lines(folder)
    destination = f"{deployment.name} {deployment.tables.executions} {deployment.url}"
    checkpoint = Checkpoint(checkpoint_path, destination, rejections)
    if checkpoint.is_unusable:
        tell(f"Warning: {checkpoint_path} is not a checkpoint; everything is loaded again.")
    if checkpoint.is_resumed:
        tell("Continuing where the last import stopped.")
    with ProgressBar("loading", "lines", total) as bar:
        loader = Loader(
            deployment.resources,
            advance=bar.advance,
            reject=rejections.add,
            checkpoint=checkpoint,
            keep_newer=keep_newer,
        )
        try:
            return loader.load(folder)
        except KeyboardInterrupt:
            tell("What is loaded stays loaded. Start the import again: it continues where it was.")
            raise


def _show_json(report: "LoadReport", report_path: Path, *, dry_run: bool) -> None:
    show_json(
        {
            "dry_run": dry_run,
            "loaded": {name: number for name, number in report.loaded.items() if number},
            "kept": {name: number for name, number in report.kept.items() if number},
            "rejected": report.rejected,
            "report": str(report_path) if report.rejected else None,
        }
    )


def _show_sentences(report: "LoadReport", report_path: Path, *, dry_run: bool) -> None:
    from usagectl.data_set.payload_files import PAYLOAD_FILES

    loaded = [f"{number:,} from {name}" for name, number in report.loaded.items() if number]
    show(f"{'Can be loaded' if dry_run else 'Loaded'}: {', '.join(loaded) or 'nothing'}.")
    for file in PAYLOAD_FILES:
        kept = report.kept.get(file.name, 0)
        if kept:
            reason = _KEPT_BECAUSE.get(file.noun, "changed by events")
            was, stays = ("was", "stays as it is") if kept == 1 else ("were", "stay as they are")
            show(f"{number_of(kept, file.noun)} {was} {reason} since and {stays}.")
    show_rejected(report.rejected, report_path)
