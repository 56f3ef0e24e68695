"""Tokens and members as the commands print them: lines for people, or JSON for programs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from usagectl.access import Stored
from usagectl.cli.common import show, show_json
from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.values import format_timestamp


def described_token(item: Stored, moment: datetime) -> dict[str, Any]:
    """Returns what an operator may see of a token, as of ``moment``."""
    token_id = int(item["token_id"]["N"])
    if TOMBSTONE_FLAG in item:
        return {"id": token_id, "state": "revoked"}
    expires_at = item.get("expires_at", {}).get("S")
    is_dead = expires_at is not None and expires_at <= format_timestamp(moment)
    return {
        "id": token_id,
        "state": "expired" if is_dead else "valid",
        "tokenable_type": item["tokenable_type"]["S"],
        "tokenable_id": int(item["tokenable_id"]["N"]),
        "abilities": _texts(item["abilities"]),
        "created_at": item.get("created_at", {}).get("S"),
        "expires_at": expires_at,
    }


def described_member(item: Stored) -> dict[str, Any]:
    """Returns a membership for an operator."""
    return {
        "workspace_id": int(item["workspace_id"]["N"]),
        "user_id": int(item["user_id"]["N"]),
        "permissions": _texts(item["permissions"]),
    }


def _texts(attribute: Mapping[str, Any]) -> list[str]:
    return [text["S"] for text in attribute["L"]]


def show_record(record: Mapping[str, object], as_json: bool) -> None:
    """Prints a record as JSON, or a line a field."""
    if as_json:
        show_json(record)
        return
    for name, value in record.items():
        show(f"{name}: {_spelled(value)}")


def show_records(records: list[dict[str, Any]], as_json: bool, none: str) -> None:
    """Prints records as a JSON list, or as a table; ``none`` where there are none."""
    if as_json:
        show_json(records)
        return
    if not records:
        show(none)
        return
    rows = [list(records[0]), *([_spelled(v) for v in found.values()] for found in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        show("  ".join(cells).rstrip())


def _spelled(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
