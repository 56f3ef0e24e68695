"""The demo has every case of the contract, and all of it can be loaded."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.data.demo import ACCOUNTS, DEMO_DAYS, OTHER_WORKSPACE_ID, WORKSPACE_ID, write_demo
from tests.support.oracle import parse
from usagectl.data_set.media import MediaFile, find_media
from usagectl.data_set.payload_files import PAYLOAD_FILES, read_stored_items
from usagectl.data_set.rejections import Rejection
from usagectl.data_set.settings import read_min_date

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo."""
    path = tmp_path_factory.mktemp("demo")
    write_demo(path, NOW)
    return path


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of one file."""
    return [parse(line) for line in (folder / f"{name}.ndjson").read_bytes().splitlines()]


def test_every_line_can_be_loaded(folder: Path) -> None:
    """The demo obeys the import's format."""
    read = [
        item for file in PAYLOAD_FILES for _, item in read_stored_items(folder / file.name, file)
    ]
    assert [item for item in read if isinstance(item, Rejection)] == []
    assert isinstance(read_min_date(folder), str)


def test_it_is_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    """For the same moment, the demo is the same."""
    write_demo(tmp_path, NOW)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert file.read_bytes() == (tmp_path / file.relative_to(folder)).read_bytes()


@pytest.mark.parametrize("now", [NOW.replace(hour=0, minute=0), NOW.replace(hour=23, minute=59)])
def test_the_time_of_day_moves_no_row_to_another_day(
    now: datetime, folder: Path, tmp_path: Path
) -> None:
    """What a client adds up over whole days doesn't depend on when the stack was started."""
    write_demo(tmp_path, now)
    for name in ("executions", "archived", "edited"):
        days = [[row["created_at"][:10] for row in records(f, name)] for f in (folder, tmp_path)]
        assert days[0][:-1] == days[1][:-1]
    latest = max(row["created_at"] for row in records(tmp_path, "executions"))
    assert latest <= f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_it_has_every_type_and_status_of_every_source(folder: Path) -> None:
    """Every combination that the contract allows."""
    kinds = {"chat", "image", "text", "voiceover", "video", "code"}
    for name in ("executions", "archived"):
        rows = records(folder, name)
        assert {row["agent"]["type"] for row in rows} == kinds
        assert {"succeeded", "failed", "cancelled"} <= {row["status"] for row in rows}
    edited = records(folder, "edited")
    assert {row["agent"]["type"] for row in edited} == {"chat"}
    assert {row["status"] for row in edited} > {"succeeded", "failed"}


def test_it_has_every_kind_of_output_and_link(folder: Path) -> None:
    """Keys, URLs, empty outputs and none; chats with a root and without."""
    rows = records(folder, "executions")
    succeeded = [row for row in rows if row["status"] == "succeeded"]
    images = {row["output"] for row in succeeded if row["agent"]["type"] == "image"}
    assert images == {
        "demo/sunset.png",
        "demo/pôr do sol + praia.png",
        "https://images.example.com/sunset.png?size=large",
        "",
        None,
    }
    roots = {row["root_id"] is None for row in succeeded if row["agent"]["type"] == "chat"}
    assert roots == {True, False}
    assert {row["metadata"] is None for row in rows} == {True, False}
    assert {row["used_model"] is None for row in rows} == {True, False}


def test_every_key_that_is_linked_to_has_a_file(folder: Path) -> None:
    """The demo's links lead to real files of the right type."""
    found = [file for file in find_media(folder) if isinstance(file, MediaFile)]
    media = {file.key: file.path.read_bytes() for file in found}
    outputs = {row["output"] for row in records(folder, "executions")}
    assert {text for text in outputs if text and text.startswith("demo/")} == set(media)
    assert media["demo/sunset.png"].startswith(b"\x89PNG\r\n")
    assert media["demo/tone.mp3"].startswith(b"ID3")
    assert media["demo/clip.mp4"][4:8] == b"ftyp"


def test_it_has_the_rare_cases(folder: Path) -> None:
    """Ties between all sources, a row in two tables, and rows next to midnight."""
    current, archived = records(folder, "executions"), records(folder, "archived")
    moments = Counter(row["created_at"] for row in current + archived + records(folder, "edited"))
    assert max(moments.values()) == 4
    assert {row["id"] for row in current} & {row["id"] for row in archived} == {2_010}
    midnight = NOW.replace(hour=0, minute=0) - timedelta(days=6)
    assert f"{midnight:%Y-%m-%dT%H:%M:%S.%fZ}" in moments
    assert f"{midnight - timedelta(microseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}" in moments
    days = (NOW - timedelta(days=DEMO_DAYS), NOW)
    assert all(f"{days[0]:%Y-%m-%d}" <= moment[:10] <= f"{days[1]:%Y-%m-%d}" for moment in moments)


def test_its_users_see_different_rows(folder: Path) -> None:
    """Everyone's rows, own rows, and no rows for each possible reason."""
    tokens = {token["tokenable_id"]: token for token in records(folder, "tokens")}
    members = {
        (member["workspace_id"], member["user_id"]): member["permissions"]
        for member in records(folder, "members")
    }
    assert {account.user_id for account in ACCOUNTS} == set(tokens)
    assert "read_users_activity" in members[WORKSPACE_ID, 1]
    assert "read_users_activity" not in members[WORKSPACE_ID, 2]
    assert tokens[3]["abilities"] == ["read_profile"]
    assert (WORKSPACE_ID, 4) not in members
    assert (OTHER_WORKSPACE_ID, 4) in members
    assert tokens[5]["expires_at"] < f"{NOW:%Y-%m-%dT%H:%M:%S.%fZ}"
