"""What the commands that read a data set have in common: its folder, and the report."""

from pathlib import Path
from typing import Annotated, Final

import typer

from usagectl.cli.arguments import check_output_file, parse_path, refuse
from usagectl.cli.output import number_of, show, tell

REJECTED: Final = 3
"""The exit code of a command that was completed, but could not use some lines."""

DataSetFolder = Annotated[
    Path, typer.Argument(parser=parse_path, metavar="FOLDER", help="The data set's folder.")
]
Rejected = Annotated[
    Path | None,
    typer.Option(
        parser=parse_path,
        metavar="FILE",
        help="Where to write which lines can't be used, and why (FOLDER/.rejected.txt).",
    ),
]


def check_folder(context: typer.Context, folder: Path) -> None:
    """Refuses a folder without data, and tells which of its entries aren't read."""
    from usagectl.data_set.folder import data_set_names, has_data, unread_entries

    if not folder.is_dir():
        refuse(context, "FOLDER", f"there is no folder {folder}")
    unread = unread_entries(folder)
    if not has_data(folder):
        names = ", ".join(name for name in data_set_names() if not name.endswith(".gz"))
        similar = [
            f"{entry.name} (did you mean {entry.similar_name}?)"
            for entry in unread
            if entry.similar_name
        ]
        hint = f"; it has {', '.join(similar)}" if similar else ""
        refuse(context, "FOLDER", f"{folder} has none of the files that are read: {names}{hint}")
    for entry in unread:
        hint = f": did you mean {entry.similar_name}?" if entry.similar_name else "."
        tell(f"Warning: {folder / entry.name} is not read{hint}")


def check_written_file(context: typer.Context, option: str, folder: Path, path: Path) -> None:
    """Refuses a file that can't be written, or that belongs to the data set."""
    from usagectl.data_set.folder import data_set_names

    below_folder = path.resolve().relative_to(folder.resolve(), walk_up=True).parts
    if below_folder and below_folder[0] in data_set_names():
        refuse(context, option, f"{path} belongs to the data set")
    check_output_file(context, option, path)


def report_path_of(context: typer.Context, folder: Path, rejected: Path | None) -> Path:
    """Returns where the report is written. Refuses a file that is not a report."""
    from usagectl.loading.rejection_report import REPORT_FILE, may_be_report

    path = rejected or folder / REPORT_FILE
    check_written_file(context, "--rejected", folder, path)
    if rejected is not None and not may_be_report(rejected):
        refuse(context, "--rejected", f"{rejected} is another file, which would be lost")
    return path


def show_rejected(rejected: int, report_path: Path) -> None:
    """Says how many lines can't be used, and where the reasons are."""
    if rejected:
        unusable = number_of(rejected, "line or file", "lines or files")
        show(f"{unusable} can't be used; {report_path} says which, and why.")
