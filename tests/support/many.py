"""Large data sets: simple, valid, always the same, and written in a second."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workspace_usage.rows.row import AGENT_TYPES, Source

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACES = (11, 12, 13, 14, 15)
FILES = {
    Source.CURRENT: ("executions.ndjson", 0.8),
    Source.ARCHIVED: ("archived.ndjson", 0.15),
    Source.EDITED: ("edited.ndjson", 0.05),
}
"""The file of each source, and the share of all rows that it gets."""


def write_many(
    folder: Path,
    rows: int,
    workspaces: Sequence[int] = WORKSPACES,
    span: timedelta | None = None,
) -> dict[Source, Counter[int]]:
    """Writes a data set, and returns how many rows of each workspace each source has.

    Args:
        folder: where its files are written.
        rows: how many rows it has.
        workspaces: whose rows; the first one gets half of them.
        span: the time in which they were run, one after the other; by default 37 ms for each.
    """
    every = timedelta(milliseconds=37) if span is None else span / rows
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Source, Counter[int]] = {source: Counter() for source in FILES}
    for source, (name, share) in FILES.items():
        with (folder / name).open("w", encoding="utf-8") as file:
            number = round(rows * share)
            for workspace_id, line in _lines(source, number, workspaces, every * rows / number):
                file.write(line)
                written[source][workspace_id] += 1
    return written


def _lines(
    source: Source, rows: int, workspaces: Sequence[int], every: timedelta
) -> Iterator[tuple[int, str]]:
    id_name = "user_openai_id" if source is Source.EDITED else "id"
    for number in range(1, rows + 1):
        # The first workspace has half of the rows: real workspaces are not of equal size either.
        workspace_id = workspaces[0 if number % 2 else number // 2 % len(workspaces)]
        user_id = 1 + number % 17
        kind = "chat" if source is Source.EDITED else AGENT_TYPES[number % len(AGENT_TYPES)]
        created_at = FIRST + every * number
        yield (
            workspace_id,
            f'{{"{id_name}": {number}, "workspace_id": {workspace_id}, "user_id": {user_id}, '
            f'"user_email": "user{user_id}@example.com", '
            f'"created_at": "{created_at:%Y-%m-%dT%H:%M:%S.%fZ}", '
            f'"agent": {{"title": "Agent {kind}", "slug": "{kind}-agent", "type": "{kind}"}}, '
            f'"status": "succeeded", "credits": 0.{number % 1000:03}, '
            f'"output": "outputs/{number}.png", "used_model": "model-{number % 5}"}}\n',
        )
