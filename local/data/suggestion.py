"""Suggests a request that shows rows of a data set: a user, a workspace, and days.

It reads the beginning of each file only. That is enough to find a workspace with rows, and fast
even if a file has millions of lines.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from usagectl.data_set.payload_files import PAYLOAD_FILES, find_file, read_stored_items
from usagectl.data_set.rejections import Rejection
from workspace_usage.aws.dynamodb import Attributes

MAX_LINES: Final = 10_000
"""The most lines of each file that are read."""

_MEMBERS: Final = "memberships"
_ROWS: Final = {"executions", "archived_executions", "edited_chats"}
_SEES_EVERYONE: Final = "read_users_activity"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The user and the workspace of a request.

    Attributes:
        workspace_id, user_id: the workspace and the user, or None if the data set has none.
        is_member: whether the user is a member of the workspace.
        sees_everyone: whether the member sees everyone's rows, or only their own.
        has_rows: whether the data set has any rows.
        days: the first and the last day of the request, or None if the last 30 days have rows.
    """

    workspace_id: int | None = None
    user_id: int | None = None
    is_member: bool = False
    sees_everyone: bool = False
    has_rows: bool = False
    days: tuple[date, date] | None = None


@dataclass(slots=True)
class _DataSet:
    """What was read of a data set.

    Attributes:
        members: for each member of each workspace, whether they see everyone's rows.
        rows: the number of rows by workspace and user.
        newest: the day of the newest row by workspace and user.
    """

    members: dict[int, dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    rows: Counter[tuple[int, int]] = field(default_factory=Counter)
    newest: dict[tuple[int, int], date] = field(default_factory=dict)

    def add_member(self, item: Attributes) -> None:
        """Adds a membership."""
        workspace_id, user_id = int(item["workspace_id"]["N"]), int(item["user_id"]["N"])
        permissions = [value["S"] for value in item["permissions"]["L"]]
        self.members[workspace_id][user_id] = _SEES_EVERYONE in permissions

    def add_row(self, item: Attributes) -> None:
        """Adds a row."""
        key = int(item["workspace_id"]["N"]), int(item["user_id"]["N"])
        day = date.fromisoformat(item["sort_key"]["S"][:10])
        self.rows[key] += 1
        self.newest[key] = max(day, self.newest.get(key, day))

    def workspace(self) -> int | None:
        """Returns the workspace with the most rows among those with members, else among all."""
        rows: Counter[int] = Counter()
        for (workspace_id, _), number in self.rows.items():
            rows[workspace_id] += number
        candidates = {*rows, *self.members}
        return max(
            candidates,
            key=lambda w: (w in self.members and w in rows, rows[w], w in self.members, -w),
            default=None,
        )

    def user(self, workspace_id: int) -> int:
        """Returns a member who sees everyone's rows, else the member with the most rows.

        Without members it is the user with the most rows.
        """
        members: Mapping[int, bool] = self.members.get(workspace_id, {})
        candidates = members or {user for workspace, user in self.rows if workspace == workspace_id}
        return max(
            candidates,
            key=lambda user: (members.get(user, False), self.rows[workspace_id, user], -user),
        )


def suggest(folder: Path, today: date) -> Suggestion:
    """Suggests a request that shows rows of the data set in ``folder``.

    Raises:
        usagectl.errors.UnreadableFile: a file can't be read.
    """
    data = _DataSet()
    for table, item in _items(folder):
        if table == _MEMBERS:
            data.add_member(item)
        elif table in _ROWS:
            data.add_row(item)
    workspace_id = data.workspace()
    if workspace_id is None:
        return Suggestion()
    user_id = data.user(workspace_id)
    members = data.members.get(workspace_id, {})
    # A user who isn't a member becomes one by a printed command, and then sees everyone's rows.
    sees_everyone = members.get(user_id, True)
    newest = [
        day
        for (workspace, user), day in data.newest.items()
        if workspace == workspace_id and (sees_everyone or user == user_id)
    ]
    return Suggestion(
        workspace_id=workspace_id,
        user_id=user_id,
        is_member=user_id in members,
        sees_everyone=sees_everyone,
        has_rows=bool(data.rows),
        days=_days(max(newest), today) if newest else None,
    )


def _items(folder: Path) -> Iterator[tuple[str, Attributes]]:
    """Yields the first lines of each file as stored items, each with its table."""
    for records in PAYLOAD_FILES:
        path = find_file(folder, records)
        if path is None or records.table not in {_MEMBERS, *_ROWS}:
            continue
        for _, item in islice(read_stored_items(path, records), MAX_LINES):
            if not isinstance(item, Rejection):
                yield records.table, item


def _days(newest: date, today: date) -> tuple[date, date] | None:
    """Returns a week with ``newest`` in it in any time zone; None if the last 30 days have it."""
    if today - timedelta(days=28) <= newest <= today:
        return None
    day = newest.toordinal()
    first, last = max(1, day - 5), min(date.max.toordinal(), day + 1)
    return date.fromordinal(first), date.fromordinal(last)
