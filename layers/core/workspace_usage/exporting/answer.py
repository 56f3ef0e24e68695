"""The types of the answers about exports.

The docstrings of types and fields are their descriptions in ``openapi.json``.
"""

from typing import Literal, NotRequired, TypedDict

from workspace_usage.exporting.formats import Format

type Status = Literal["running", "done", "failed"]


class ExportBody(TypedDict):
    """An export: what it is, and how it stands."""

    id: str
    """The export's id. It is known until ``expires_at``, and to its caller only."""
    status: Status
    """``running`` until the file is complete; then ``done``, or ``failed`` if it can't be made."""
    format: Format
    """The format of the file."""
    created_at: str
    """When it was asked for, in UTC. The file holds what the list showed then."""
    rows: int | None
    """How many executions and edited chats the file holds; null unless it is done."""
    link: str | None
    """A presigned URL of the gzip file; null unless it is done."""
    expires_at: str
    """When the export and its file are gone, in UTC: 24 hours after it was asked for."""
    message: NotRequired[str]
    """Why it has failed, in one sentence; only if it has."""
