"""Data sets of very many rows: simple, valid, always the same, and written in a second."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workspace_usage.rows.row import Source

FIRST_CREATED_AT = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACES = (11, 12, 13, 14, 15)
KINDS = ("chat", "image", "text", "voiceover", "video", "code")
FILES_AND_SHARES = {
    Source.CURRENT: ("executions.ndjson", 0.8),
    Source.ARCHIVED: ("archived.ndjson", 0.15),
    Source.EDITED: ("edited.ndjson", 0.05),
}
"""The file of each source, and the share of all rows that it gets."""


def write_large_data_set(
    folder: Path,
    rows: int,
    workspaces: Sequence[int] = WORKSPACES,
    span: timedelta | None = None,
) -> dict[Source, Counter[int]]:
    """Writes ``rows`` rows, and returns how many each source has of each workspace.

    They were made one after the other within ``span``; if none is given, 27 a second.
    """
    every = timedelta(milliseconds=37) if span is None else span / rows
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Source, Counter[int]] = {source: Counter() for source in FILES_AND_SHARES}
    for source, (name, share) in FILES_AND_SHARES.items():
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
        # The first workspace has as many rows as all the others: they are never evenly spread.
        workspace_id = workspaces[0 if number % 2 else number // 2 % len(workspaces)]
        user_id = 1 + number % 17
        kind = "chat" if source is Source.EDITED else KINDS[number % len(KINDS)]
        created_at = FIRST_CREATED_AT + every * number
        yield (
            workspace_id,
            f'{{"{id_name}": {number}, "workspace_id": {workspace_id}, "user_id": {user_id}, '
            f'"user_email": "user{user_id}@example.com", '
            f'"created_at": "{created_at:%Y-%m-%dT%H:%M:%S.%fZ}", '
            f'"agent": {{"title": "Agent {kind}", "slug": "{kind}-agent", "type": "{kind}"}}, '
            f'"status": "succeeded", "credits": 0.{number % 1000:03}, '
            f'"output": "outputs/{number}.png", "used_model": "model-{number % 5}"}}\n',
        )
