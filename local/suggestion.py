"""Whom to ask as, and for what, when a data set was loaded: a question that shows some rows.

It looks at the beginning of each file only. That is enough to find a workspace with rows, and takes
no time with millions of them.
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
from workspace_usage.aws.dynamodb import WritableItem

LINES: Final = 10_000
"""Lines of each file that are looked at."""

_MEMBERS: Final = "memberships"
_ROWS: Final = {"executions", "archived_executions", "edited_chats"}
_SEES_EVERYONE: Final = "read_users_activity"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A user to ask as, and a workspace to ask for.

    Attributes:
        workspace_id, user_id: whom to ask as; None: the data set has nobody.
        is_member: whether the user is a member of the workspace.
        sees_everyone: whether the member sees everyone's rows, or only their own.
        has_rows: whether the data set has rows at all.
        days: the first and last day that show some of them; None: the last 30 days do.
    """

    workspace_id: int | None = None
    user_id: int | None = None
    is_member: bool = False
    sees_everyone: bool = False
    has_rows: bool = False
    days: tuple[date, date] | None = None


@dataclass(slots=True)
class _Seen:
    """What was seen of a data set: members, and rows with their newest day, by workspace and user.

    ``members`` says of each whether they see everyone.
    """

    members: dict[int, dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    rows: Counter[tuple[int, int]] = field(default_factory=Counter)
    newest: dict[tuple[int, int], date] = field(default_factory=dict)

    def add_member(self, item: WritableItem) -> None:
        """Takes a membership."""
        workspace_id, user_id = int(item["workspace_id"]["N"]), int(item["user_id"]["N"])
        permissions = [value["S"] for value in item["permissions"]["L"]]
        self.members[workspace_id][user_id] = _SEES_EVERYONE in permissions

    def add_row(self, item: WritableItem) -> None:
        """Takes a row."""
        key = int(item["workspace_id"]["N"]), int(item["user_id"]["N"])
        day = date.fromisoformat(item["sort_key"]["S"][:10])
        self.rows[key] += 1
        self.newest[key] = max(day, self.newest.get(key, day))

    def workspace(self) -> int | None:
        """The workspace with the most rows among those with members, else among all."""
        rows: Counter[int] = Counter()
        for (workspace_id, _), number in self.rows.items():
            rows[workspace_id] += number
        known = {*rows, *self.members}
        return max(
            known,
            key=lambda w: (w in self.members and w in rows, rows[w], w in self.members, -w),
            default=None,
        )

    def user(self, workspace_id: int) -> int:
        """A member who sees everyone, else the one with the most rows; without members any user."""
        members: Mapping[int, bool] = self.members.get(workspace_id, {})
        candidates = members or {user for workspace, user in self.rows if workspace == workspace_id}
        return max(
            candidates,
            key=lambda user: (members.get(user, False), self.rows[workspace_id, user], -user),
        )


def suggest(folder: Path, today: date) -> Suggestion:
    """A question that shows rows of the data set in ``folder``.

    Raises:
        usagectl.dataset.UnreadableFile: a file can't be read.
    """
    seen = _Seen()
    for table, item in _items(folder):
        if table == _MEMBERS:
            seen.add_member(item)
        elif table in _ROWS:
            seen.add_row(item)
    workspace_id = seen.workspace()
    if workspace_id is None:
        return Suggestion()
    user_id = seen.user(workspace_id)
    members = seen.members.get(workspace_id, {})
    # Who is made a member by what is printed sees everyone.
    sees_everyone = members.get(user_id, True)
    newest = [
        day
        for (workspace, user), day in seen.newest.items()
        if workspace == workspace_id and (sees_everyone or user == user_id)
    ]
    return Suggestion(
        workspace_id=workspace_id,
        user_id=user_id,
        is_member=user_id in members,
        sees_everyone=sees_everyone,
        has_rows=bool(seen.rows),
        days=_days(max(newest), today) if newest else None,
    )


def _items(folder: Path) -> Iterator[tuple[str, WritableItem]]:
    """What the first lines of each file are stored as, with the table."""
    for records in PAYLOAD_FILES:
        path = find_file(folder, records)
        if path is None or records.table not in {_MEMBERS, *_ROWS}:
            continue
        for _, item in islice(read_stored_items(path, records), LINES):
            if not isinstance(item, Rejection):
                yield records.table, item


def _days(newest: date, today: date) -> tuple[date, date] | None:
    """A week that has the day ``newest`` in it in any time zone; None: so have the last 30 days."""
    if today - timedelta(days=28) <= newest <= today:
        return None
    day = newest.toordinal()
    first, last = max(1, day - 5), min(date.max.toordinal(), day + 1)
    return date.fromordinal(first), date.fromordinal(last)
