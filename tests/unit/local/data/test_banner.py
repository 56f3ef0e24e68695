"""After ``make run DATA=folder``, the banner has a request that shows rows of the data set."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from local.data.banner import data_banner
from local.data.suggestion import Suggestion, suggest

TODAY = date(2026, 11, 25)


def write(folder: Path, file: str, *records: dict[str, Any]) -> None:
    """Writes a file of a data set."""
    folder.joinpath(f"{file}.ndjson").write_text("".join(f"{json.dumps(r)}\n" for r in records))


def member(workspace_id: int, user_id: int, *permissions: str) -> dict[str, Any]:
    """A line of ``members.ndjson``."""
    return {"workspace_id": workspace_id, "user_id": user_id, "permissions": list(permissions)}


def run(number: int, workspace_id: int, user_id: int, day: str = "2026-11-20") -> dict[str, Any]:
    """A line of ``executions.ndjson``."""
    return {
        "id": number,
        "workspace_id": workspace_id,
        "user_id": user_id,
        "user_email": "a@example.com",
        "created_at": f"{day}T10:00:00.000000Z",
        "agent": {"title": "A", "slug": "a", "type": "chat"},
        "status": "succeeded",
        "credits": 1,
        "output": None,
        "root_id": None,
        "metadata": None,
        "used_model": None,
        "detailed_credits": None,
    }


EVERYONE = "read_users_activity"


def test_it_suggests_the_largest_workspace_and_a_member_who_sees_all(tmp_path: Path) -> None:
    """Workspaces without members, and lines that can't be used, don't count."""
    write(tmp_path, "members", member(1, 10), member(2, 20), member(2, 21, EVERYONE), {"no": 1})
    runs = [run(1, 1, 10), run(2, 2, 20), run(3, 2, 20), {"id": 4}]
    write(tmp_path, "executions", *runs, *(run(number, 3, 30) for number in range(5, 9)))
    assert suggest(tmp_path, TODAY) == Suggestion(2, 21, True, True, True, None)


def test_else_it_suggests_the_member_with_the_most_rows(tmp_path: Path) -> None:
    """And days with rows of that user, if the last 30 days have none."""
    write(tmp_path, "members", member(1, 10), member(1, 11), member(1, 12))
    old = run(2, 1, 11, "2025-03-05")
    write(tmp_path, "executions", run(1, 1, 12), old, {**old, "id": 3}, run(4, 1, 99))
    days = date(2025, 2, 28), date(2025, 3, 6)
    assert suggest(tmp_path, TODAY) == Suggestion(1, 11, True, False, True, days)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_rows_on_the_first_and_the_last_possible_day_are_found(tmp_path: Path, day: str) -> None:
    """Although there is no day before, or after."""
    write(tmp_path, "members", member(1, 10, EVERYONE))
    write(tmp_path, "executions", run(1, 1, 10, day))
    days = suggest(tmp_path, TODAY).days
    assert days is not None
    assert f"{days[0]}" <= day <= f"{days[1]}"


def commands(banner: str) -> list[str]:
    """The commands in a banner."""
    return [
        line.strip()
        for line in banner.splitlines()
        if line.startswith("  ") and not line.startswith("  #")
    ]


URL = "http://127.0.0.1:3000"
TOOL = f"bin/usagectl --endpoint {URL}"
CURL = "curl -s -H \"Authorization: Bearer $TOKEN\" -H 'x-workspace-id: {}' "


def test_the_banner_has_commands_that_issue_a_token_and_use_it() -> None:
    """The request has dates if the suggestion has days."""
    banner = data_banner(URL, Suggestion(2, 21, True, True, True))
    assert "user 21, who sees everyone's rows in workspace 2" in banner
    assert commands(banner) == [
        f"TOKEN=$({TOOL} token issue --user 21)",
        f"{CURL.format(2)}{URL}/workspaces/usage",
    ]
    days = date(2025, 2, 28), date(2025, 3, 6)
    banner = data_banner(URL, Suggestion(1, 11, True, False, True, days))
    assert "user 11, who sees only their own rows in workspace 1" in banner
    query = "start_date=2025-02-28&end_date=2025-03-06"
    assert commands(banner)[1] == f"{CURL.format(1)}'{URL}/workspaces/usage?{query}'"


def test_the_banner_says_what_a_data_set_lacks(tmp_path: Path) -> None:
    """Rows, members, or both. It has a command that makes a member."""
    empty = data_banner(URL, suggest(tmp_path, TODAY))
    assert "No rows were loaded" in empty
    assert "has no members" in empty
    write(tmp_path, "executions", run(1, 5, 50))
    without_members = data_banner(URL, suggest(tmp_path, TODAY))
    assert "Workspace 5 has no members" in without_members
    assert "No rows" not in without_members
    assert commands(without_members)[0] == (
        f"{TOOL} member set --workspace 5 --user 50 --permission read_users_activity"
    )
    write(tmp_path, "members", member(5, 50))
    assert "members (members.ndjson)" not in data_banner(URL, suggest(tmp_path, TODAY))
