"""An export: what was asked for, and how far its file is written. Its item in the table Exports.

The items of the table have these keys (``owner`` and ``item_key``)::

    <workspace_id>/<user_id>   export/<id>   an export
    slots/<user_id>            1, 2          which of a user's exports may run: a workspace, an id

``revision`` rises with every write of an export. Whoever writes names the revision that it has
read, so that of two workers at the same export only one goes on. A worker numbers the parts that it
uploads by the revision that it has, so that no two workers write the same part.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Final, NamedTuple, Self

from workspace_usage.access.scope import Scope, WholeWorkspace, user_of
from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.aws.packing import pack, unpack
from workspace_usage.exporting.answer import Status
from workspace_usage.exporting.formats import Format
from workspace_usage.rows.position import Position
from workspace_usage.rows.store import Selection
from workspace_usage.values import from_milliseconds, to_milliseconds

EXPORT_LIFETIME: Final = timedelta(hours=24)
"""After what time an export and its file are gone."""

TIME_TO_PROGRESS: Final = timedelta(hours=2)
"""A running export that nobody has written for so long has failed. It is longer than all attempts
of one message take: see ``ExportQueue`` in the template."""


_EXPORT: Final = "export/"


class Owner(NamedTuple):
    """Whose an export is."""

    workspace_id: int
    user_id: int

    @property
    def key(self) -> str:
        """The partition key of all exports of this owner."""
        return f"{self.workspace_id}/{self.user_id}"


class Part(NamedTuple):
    """A part of the file that is uploaded: its number, and what S3 said of its content."""

    number: int
    etag: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is written.

    Attributes:
        upload_id: S3's id of the upload, or None before it has begun.
        rows: the rows that are in the parts.
        position: the sort key of the last of them, or None if there is none.
        parts: the parts, in their order.
        checksum: the CRC-32 of the text in the parts.
        length: its length in bytes.
        is_complete: whether the parts are all of the file.
    """

    upload_id: str | None = None
    rows: int = 0
    position: str | None = None
    parts: tuple[Part, ...] = ()
    checksum: int = 0
    length: int = 0
    is_complete: bool = False

    def to_fields(self) -> dict[str, Any]:
        """Returns this progress as JSON."""
        return {**asdict(self), "parts": [list(part) for part in self.parts]}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Returns the progress that ``to_fields`` made ``fields`` from."""
        return cls(**{**fields, "parts": tuple(Part(*part) for part in fields["parts"])})


@dataclass(frozen=True, slots=True)
class Export:
    """An export.

    Attributes:
        owner: whose it is.
        id: its id.
        format: the format of the file.
        scope: whose rows are asked for.
        selection: which of them, or None if there can't be any.
        file_name: the file's name for people.
        created_at: when it was asked for (aware); rows that arrived later are left out.
        written_at: when this was written last (aware).
        status: how it stands.
        revision: how often it was written.
        progress: how far the file is written.
    """

    owner: Owner
    id: str
    format: Format
    scope: Scope
    selection: Selection | None
    file_name: str
    created_at: datetime
    written_at: datetime
    status: Status = "running"
    revision: int = 1
    progress: Progress = Progress()

    @property
    def expires_at(self) -> datetime:
        """When it is gone (aware)."""
        return self.created_at + EXPORT_LIFETIME

    @property
    def object_key(self) -> str:
        """The key of its file in the bucket of exports."""
        return f"{self.owner.key}/{self.id}/{self.file_name}"

    def status_at(self, now: datetime) -> Status:
        """Returns how it stands now: it has failed, too, if nobody has written it for long."""
        is_abandoned = now - self.written_at >= TIME_TO_PROGRESS
        return "failed" if self.status == "running" and is_abandoned else self.status

    @property
    def remaining(self) -> Selection | None:
        """The rows that are not in the parts yet, or None if there can't be any."""
        if self.selection is None or self.progress.position is None:
            return self.selection
        high = Position.from_stored_key(self.progress.position).just_before
        return replace(self.selection, high=high) if self.selection.low < high else None

    def to_item(self) -> Attributes:
        """Returns this export as its item."""
        content = {
            "format": self.format,
            "selection": _to_fields(self.selection),
            "user_id": user_of(self.scope),
            "file_name": self.file_name,
            "created_at": to_milliseconds(self.created_at),
            "written_at": to_milliseconds(self.written_at),
            "status": self.status,
            "progress": self.progress.to_fields(),
        }
        return {
            **export_key(self.owner, self.id),
            "revision": {"N": str(self.revision)},
            "content": pack(content),
            "purge_at": {"N": str(ceil(self.expires_at.timestamp()))},
        }


def from_item(owner: Owner, item: StoredItem) -> Export:
    """Returns the export in an item.

    Raises:
        workspace_usage.aws.packing.Unreadable: this version of the service has not written it.
    """
    content = unpack(item["content"])
    scope = WholeWorkspace(owner.workspace_id).narrow_to_user(content["user_id"])
    return Export(
        owner=owner,
        id=item["item_key"]["S"].removeprefix(_EXPORT),
        format=content["format"],
        scope=scope,
        selection=_to_selection(scope, content["selection"]),
        file_name=content["file_name"],
        created_at=from_milliseconds(content["created_at"]),
        written_at=from_milliseconds(content["written_at"]),
        status=content["status"],
        revision=int(item["revision"]["N"]),
        progress=Progress.from_fields(content["progress"]),
    )


def export_key(owner: Owner, export_id: str) -> Attributes:
    """Returns the key of an export's item."""
    return {"owner": {"S": owner.key}, "item_key": {"S": f"{_EXPORT}{export_id}"}}


def _to_fields(selection: Selection | None) -> list[str | None] | None:
    if selection is None:
        return None
    days = (selection.first_day.isoformat(), selection.last_day.isoformat())
    return [selection.agent_type, selection.low, selection.high, *days]


def _to_selection(scope: Scope, fields: Any) -> Selection | None:
    if fields is None:
        return None
    agent_type, low, high, first_day, last_day = fields
    return Selection(
        scope=scope,
        agent_type=agent_type,
        low=low,
        high=high,
        first_day=date.fromisoformat(first_day),
        last_day=date.fromisoformat(last_day),
    )
