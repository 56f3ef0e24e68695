"""Data sets with a great many rows: simple, valid, always the same, and written in a second."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workspace_usage.rows.row import AGENT_TYPES, Source

FIRST_CREATED_AT = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACE_IDS = (11, 12, 13, 14, 15)
MODELS_OF_A_USER = 3
FILES_AND_SHARES = {
    Source.CURRENT: ("executions.ndjson", 0.8),
    Source.ARCHIVED: ("archived.ndjson", 0.15),
    Source.EDITED: ("edited.ndjson", 0.05),
}
"""The file of each source, and its share of all rows."""


def write_large_data_set(
    folder: Path,
    rows: int,
    workspaces: Sequence[int] = WORKSPACE_IDS,
    span: timedelta | None = None,
    begin: datetime = FIRST_CREATED_AT,
    users: int = 17,
) -> dict[Source, Counter[int]]:
    """Writes a data set; returns the number of rows of each source in each workspace.

    Args:
        folder: where to write it.
        rows: the number of rows.
        workspaces: their workspaces.
        span: the time between the first and the last row; without it there are 27 a second.
        begin: the time before the first row.
        users: how many users have run agents. Each has used three models, and all types of agents.
    """
    interval = timedelta(milliseconds=37) if span is None else span / rows
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Source, Counter[int]] = {source: Counter() for source in FILES_AND_SHARES}
    for source, (name, share) in FILES_AND_SHARES.items():
        with (folder / name).open("w", encoding="utf-8") as file:
            number = round(rows * share)
            each = interval * rows / number
            for workspace_id, line in _lines(source, number, workspaces, each, begin, users):
                file.write(line)
                written[source][workspace_id] += 1
    return written


def _lines(
    source: Source,
    rows: int,
    workspaces: Sequence[int],
    interval: timedelta,
    begin: datetime,
    users: int,
) -> Iterator[tuple[int, str]]:
    id_name = "user_openai_id" if source is Source.EDITED else "id"
    for number in range(1, rows + 1):
        # The first workspace has as many rows as all others: in reality rows aren't evenly spread.
        workspace_id = workspaces[0 if number % 2 else number // 2 % len(workspaces)]
        user_id = 1 + number % users
        # A user's next row is of the type before: each user has rows of all types.
        step = (-1 - users) % len(AGENT_TYPES)
        of_type = (number + step * (number // users)) % len(AGENT_TYPES)
        kind = "chat" if source is Source.EDITED else AGENT_TYPES[of_type]
        model = (user_id + 5 * (number // users % MODELS_OF_A_USER)) % 12
        created_at = begin + interval * number
        yield (
            workspace_id,
            f'{{"{id_name}": {number}, "workspace_id": {workspace_id}, "user_id": {user_id}, '
            f'"user_email": "user{user_id}@example.com", '
            f'"created_at": "{created_at:%Y-%m-%dT%H:%M:%S.%fZ}", '
            f'"agent": {{"title": "Agent {kind}", "slug": "{kind}-agent", "type": "{kind}"}}, '
            f'"status": "{"succeeded" if number % 11 else "failed"}", '
            f'"credits": 0.{number * 7_919 % 100_000:05}, '
            f'"output": "outputs/{number}.png", "used_model": "model-{model}"}}\n',
        )
