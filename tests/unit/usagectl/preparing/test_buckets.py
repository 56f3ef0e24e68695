"""Rows in buckets: each key once, whatever bucket it is in."""

import gzip
import json
from pathlib import Path

from usagectl.data_set.encoded_items import EncodedItem
from usagectl.preparing.buckets import BUCKET_BYTES, Buckets


def row(number: int, status: str) -> EncodedItem:
    """Returns a row of workspace 11 or 12."""
    key = {"workspace_id": {"N": str(11 + number % 2)}, "sort_key": {"S": f"{number:020}"}}
    return EncodedItem.of({**key, "status": {"S": status}})


def test_the_last_row_with_a_key_is_written(tmp_path: Path) -> None:
    """In files of which each has a part of the rows, and nothing else is left in the folder."""
    buckets = Buckets(tmp_path / "rows", 3 * BUCKET_BYTES)
    for status in ("old", "new"):
        for number in range(2_000):
            buckets.put(row(number, status))
    assert buckets.finish() == 2_000
    assert buckets.workspaces == {11: 2_000, 12: 2_000}
    paths = sorted((tmp_path / "rows").iterdir())
    assert [path.name for path in paths] == [f"0000{number}.json.gz" for number in range(4)]
    lines = [gzip.decompress(path.read_bytes()).decode().splitlines() for path in paths]
    assert all(len(some) > 300 for some in lines)
    items = [json.loads(line)["Item"] for some in lines for line in some]
    assert len(items) == 2_000
    assert len({item["sort_key"]["S"] for item in items}) == 2_000
    assert {item["status"]["S"] for item in items} == {"new"}


def test_a_table_without_rows_has_no_file(tmp_path: Path) -> None:
    """All of its lines were rejected."""
    assert Buckets(tmp_path / "rows", 0).finish() == 0
    assert list((tmp_path / "rows").iterdir()) == []
