"""A row as a line of the import's format, and as a line of a table in CSV."""

from decimal import Decimal
from typing import Any, Final

from usagectl.json_text import plain, to_json
from workspace_usage.rows.row import Row, Source, Tokens

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
"""The beginnings of texts that spreadsheets take for formulas, full-width forms included."""

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


def to_line(row: Row) -> str:
    """Returns a row as a line of the import's format. Loading it gives the same row."""
    tokens = row.tokens
    payload: dict[str, Any] = {
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
    return f"{to_json(payload)}\n"


def to_cells(row: Row) -> list[object]:
    """Returns a row's cells, in the order of ``COLUMNS``. A missing value is an empty cell.

    The output of an archived row is left out, too: it is kept for an erasure, not to be looked at.
    """
    tokens = row.tokens or Tokens(None, None, None)
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
        tokens.input,
        tokens.output,
        tokens.total,
    )
    return list(map(_cell, cells))


def _cell(value: object) -> object:
    """Returns a cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    match value:
        case Decimal():
            return plain(value)
        case str() if value.startswith(FORMULA_STARTS):
            return f"'{value}"
        case _:
            return value
