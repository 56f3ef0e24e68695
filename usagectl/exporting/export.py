"""Exports a workspace: its rows and members in the import's format, or the listing as CSV."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from usagectl.access.descriptions import membership_payload
from usagectl.access.tables import AccessTables
from usagectl.data_set.payload_files import MEMBERS_FILE, PAYLOAD_FILES
from usagectl.errors import CommandError
from usagectl.exporting.new_files import NewFiles
from usagectl.exporting.payload_lines import to_line
from usagectl.exporting.selection import Selection, read_listed_rows, read_rows
from usagectl.json_text import to_json
from usagectl.progress import Advance
from workspace_usage.exporting.formats import begin, encoder
from workspace_usage.rows.row import Row
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CSV_FILE: Final = "usage.csv"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that was written.

    Attributes:
        name: its name.
        lines: its number of lines, without the header of a CSV.
        noun: what a line is called.
    """

    name: str
    lines: int
    noun: str


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports workspaces of one deployment.

    Attributes:
        dynamodb: a client.
        tables: the names of the tables.
        advance: is told how many more rows are written.
    """

    dynamodb: "DynamoDBClient"
    tables: Tables
    advance: Advance

    def export(self, selection: Selection, folder: Path, *, as_csv: bool) -> list[ExportedFile]:
        """Writes what is selected into ``folder``: all files, or none if something fails.

        Raises:
            CommandError: there is nothing to export, or the folder can't be written or has such
                files already.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: a table can't be
                read.
        """
        try:
            with NewFiles(folder) as files:
                write = self._write_csv if as_csv else self._write_payloads
                written = list(write(selection, files))
                if not any(file.lines for file in written):
                    raise CommandError(_nothing_to_export(selection, as_csv=as_csv))
                files.keep()
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        return written

    def _write_csv(self, selection: Selection, files: NewFiles) -> Iterator[ExportedFile]:
        rows = self._with_progress(read_listed_rows(self.dynamodb, self.tables, selection))
        lines = map(encoder("csv"), rows)
        number = _write_lines(files.new(CSV_FILE), lines, header=begin("csv"))
        yield ExportedFile(CSV_FILE, number, "row")

    def _write_payloads(self, selection: Selection, files: NewFiles) -> Iterator[ExportedFile]:
        for file in PAYLOAD_FILES:
            if file.source is not None:
                rows = read_rows(self.dynamodb, self.tables, file.source, selection)
                lines = map(to_line, self._with_progress(rows))
                yield ExportedFile(file.name, _write_lines(files.new(file.name), lines), "row")
        name = MEMBERS_FILE.name
        number = _write_lines(files.new(name), self._member_lines(selection.workspace_id))
        yield ExportedFile(name, number, MEMBERS_FILE.noun)

    def _with_progress(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield row
            self.advance(1)

    def _member_lines(self, workspace_id: int) -> Iterator[str]:
        tables = self.tables
        access = AccessTables(self.dynamodb, tables.access_tokens, tables.memberships)
        for item in access.members(workspace_id):
            yield f"{to_json(membership_payload(item))}\n"


def _nothing_to_export(selection: Selection, *, as_csv: bool) -> str:
    is_all = selection.start_date is None and selection.end_date is None
    days = "" if is_all else " on these days"
    what = f"no rows{days}" if as_csv else f"neither rows{days} nor members"
    return f"There is nothing to export: workspace {selection.workspace_id} has {what}."


def _write_lines(path: Path, lines: Iterable[str], header: str = "") -> int:
    number = 0
    # The lines have their own ends, which must not be changed.
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header)
        for line in lines:
            file.write(line)
            number += 1
    return number
