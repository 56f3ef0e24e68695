"""A row as a line of the import's format."""

from typing import Any

from usagectl.json_text import to_json
from workspace_usage.rows.row import Row, Source


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
