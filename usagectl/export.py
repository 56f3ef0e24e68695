"""A workspace's rows, back in the format of the import, or as one table in CSV."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never

from usagectl.dataset import plain, to_json
from usagectl.errors import CommandError
from usagectl.new_files import NewFiles
from workspace_usage.rows.row import ARCHIVED_FLAG, Row, Source, from_stored_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from workspace_usage.rows.tables import Tables

FILES: Final = {
    Source.CURRENT: "executions.ndjson",
    Source.ARCHIVED: "archived.ndjson",
    Source.EDITED: "edited.ndjson",
}
FORMULA_STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
"""How a text begins that a spreadsheet takes for a formula, full-width forms included."""

MEMBERS_FILE: Final = "members.ndjson"
CSV_FILE: Final = "usage.csv"
COLUMNS: Final = (
    "source",
    "id",
    "workspace_id",
    "created_at",
    "user_id",
    "user_email",
    "agent_type",
    "agent_title",
    "agent_slug",
    "status",
    "credits",
    "output",
    "root_id",
    "execution_origin",
    "used_model",
    "input_tokens",
    "output_tokens",
    "total_tokens",
)

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is exported: one workspace's rows, of whole days in UTC, both ends included."""

    workspace_id: int
    start_date: date | None = None
    end_date: date | None = None

    @property
    def bounds(self) -> tuple[str, str]:
        """The least and the greatest sort key, as ``BETWEEN`` wants them."""
        # A bare date sorts before every sort key of its day, and "U" after its "T"; ":" sorts after
        # every digit.
        low = self.start_date.isoformat() if self.start_date else "0"
        high = f"{self.end_date.isoformat()}U" if self.end_date else ":"
        return low, high


def read_rows(
    client: "DynamoDBClient", tables: "Tables", source: Source, selection: Selection
) -> Iterator[Row]:
    """The rows of one source, oldest first.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table can't be read.
    """
    low, high = selection.bounds
    pages = client.get_paginator("query").paginate(
        TableName=_table(tables, source),
        KeyConditionExpression="workspace_id = :workspace AND sort_key BETWEEN :low AND :high",
        ExpressionAttributeValues={
            ":workspace": {"N": str(selection.workspace_id)},
            ":low": {"S": low},
            ":high": {"S": high},
        },
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            # A marked row is the shadow of one among the archived.
            if ARCHIVED_FLAG not in item:
                yield from_stored_item(source, item)


def read_members(client: "DynamoDBClient", tables: "Tables", workspace_id: int) -> Iterator[Record]:
    """The workspace's members, as records of the import.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table can't be read.
    """
    pages = client.get_paginator("query").paginate(
        TableName=tables.memberships,
        KeyConditionExpression="workspace_id = :workspace",
        ExpressionAttributeValues={":workspace": {"N": str(workspace_id)}},
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            if "permissions" in item:
                yield {
                    "workspace_id": workspace_id,
                    "user_id": int(item["user_id"]["N"]),
                    "permissions": [permission["S"] for permission in item["permissions"]["L"]],
                }


def _table(tables: "Tables", source: Source) -> str:
    match source:
        case Source.CURRENT:
            return tables.executions
        case Source.ARCHIVED:
            return tables.archived_executions
        case Source.EDITED:
            return tables.edited_chats
        case _:
            assert_never(source)


def to_line(row: Row) -> str:
    """A row as a line of the import's format; loading it gives the same row."""
    tokens = row.tokens
    record: Record = {
        "user_openai_id" if row.source is Source.EDITED else "id": row.position.id,
        "workspace_id": row.workspace_id,
        "user_id": row.user_id,
        "user_email": row.user_email,
        "created_at": row.position.created_at,
        "agent": {"title": row.agent_title, "slug": row.agent_slug, "type": row.agent_type},
        "status": row.status,
        "credits": row.credits,
        "output": row.output,
        "root_id": row.root_id,
        "metadata": None
        if row.execution_origin is None
        else {"execution_origin": row.execution_origin},
        "used_model": row.used_model,
        "detailed_credits": None
        if tokens is None
        else {
            "billing": "tokens",
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "total_tokens": tokens.total,
        },
    }
    return f"{to_json(record)}\n"


def to_cells(row: Row) -> list[object]:
    """A row's cells, in the order of ``COLUMNS``; what it lacks is empty.

    So is an archived row's output: it is kept for erasure, not to be looked at.
    """
    tokens = row.tokens
    cells = (
        row.source.value,
        row.position.id,
        row.workspace_id,
        row.position.created_at,
        row.user_id,
        row.user_email,
        row.agent_type,
        row.agent_title,
        row.agent_slug,
        row.status,
        row.credits,
        None if row.source is Source.ARCHIVED else row.output,
        row.root_id,
        row.execution_origin,
        row.used_model,
        tokens and tokens.input,
        tokens and tokens.output,
        tokens and tokens.total,
    )
    return list(map(_cell, cells))


def _cell(value: object) -> object:
    """A cell's content; text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    match value:
        case Decimal():
            return plain(value)
        case str() if value.startswith(FORMULA_STARTS):
            return f"'{value}"
        case _:
            return value


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that was written: its lines, a CSV's header aside, and what one of them is."""

    name: str
    lines: int
    noun: str


def export(
    client: "DynamoDBClient",
    tables: "Tables",
    selection: Selection,
    folder: Path,
    *,
    as_csv: bool,
    advance: Callable[[int], object],
) -> list[ExportedFile]:
    """Writes what is selected into ``folder``. Either all files are there in the end, or none.

    ``advance`` is told of rows that are written.

    Raises:
        CommandError: there is nothing to export, or the folder can't be written or has such files
            already.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: a table can't be read.
    """

    def rows(source: Source) -> Iterator[Row]:
        for row in read_rows(client, tables, source, selection):
            yield row
            advance(1)

    try:
        with NewFiles(folder) as files:
            if as_csv:
                number = _write_csv(files.new(CSV_FILE), (r for s in Source for r in rows(s)))
                written = [ExportedFile(CSV_FILE, number, "row")]
            else:
                written = [
                    ExportedFile(name, _write_lines(files.new(name), map(to_line, rows(s))), "row")
                    for s, name in FILES.items()
                ]
                members = read_members(client, tables, selection.workspace_id)
                number = _write_lines(
                    files.new(MEMBERS_FILE), (f"{to_json(member)}\n" for member in members)
                )
                written.append(ExportedFile(MEMBERS_FILE, number, "member"))
            if not any(file.lines for file in written):
                raise CommandError(_nothing(selection, as_csv=as_csv))
            files.keep()
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}.") from None
    return written


def _nothing(selection: Selection, *, as_csv: bool) -> str:
    is_all = selection.start_date is None and selection.end_date is None
    days = "" if is_all else " on these days"
    what = f"no rows{days}" if as_csv else f"neither rows{days} nor members"
    return f"There is nothing to export: workspace {selection.workspace_id} has {what}."


def _write_lines(path: Path, lines: Iterable[str]) -> int:
    number = 0
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            number += 1
    return number


def _write_csv(path: Path, rows: Iterable[Row]) -> int:
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in rows:
            table.writerow(to_cells(row))
            number += 1
    return number
