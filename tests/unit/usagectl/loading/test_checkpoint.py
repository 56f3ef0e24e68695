"""An import that was interrupted continues where it stopped."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.loading import (
    Store,
    member,
    permissions,
    resources_of,
    write_members,
)
from usagectl.errors import LoadError
from usagectl.loading.checkpoint import Checkpoint
from usagectl.loading.loader import Loader


def fail_half_way(folder: Path, path: Path, where: str = "here") -> int:
    """Fails in the middle of 100 members. Returns how many lines the checkpoint notes."""
    write_members(folder, *(member(user) for user in range(1, 101)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 10)
        loader = Loader(resources_of(Store(fails_after=30)), checkpoint=Checkpoint(path, where))
        with pytest.raises(LoadError):
            loader.load(folder)
    parts = json.loads(path.read_text("utf-8"))["parts"]
    lines: int = parts["members.ndjson"][1]["lines"]
    return lines


def written_by_the_next(folder: Path, path: Path, where: str = "here") -> int:
    """Imports the rest. Returns how many items it has written."""
    store = Store()
    Loader(resources_of(store), checkpoint=Checkpoint(path, where)).load(folder)
    return len(permissions(store))


def test_lines_that_the_checkpoint_notes_are_not_written_again(tmp_path: Path) -> None:
    """The next import writes the others."""
    noted = fail_half_way(tmp_path / "set", tmp_path / "notes")
    assert 0 < noted < 100
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 100 - noted


def test_progress_towards_another_destination_does_not_count(tmp_path: Path) -> None:
    """Another deployment gets every line."""
    fail_half_way(tmp_path / "set", tmp_path / "notes", "one")
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes", "two") == 100


def test_a_file_that_has_changed_is_loaded_from_its_beginning(tmp_path: Path) -> None:
    """Every line of it is written."""
    fail_half_way(tmp_path / "set", tmp_path / "notes")
    write_members(tmp_path / "set", *(member(user, "p") for user in range(1, 102)))
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 101


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"form": 2, "destination": "here"}'])
def test_a_file_that_is_not_a_checkpoint_is_ignored(tmp_path: Path, text: str) -> None:
    """Everything is written again, which changes nothing."""
    write_members(tmp_path / "set", member(1))
    (tmp_path / "notes").write_text(text, "utf-8")
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 1


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["parts"], []),
        (["parts", "members.ndjson"], "x"),
        (["parts", "members.ndjson", 0], 1),
        (["parts", "members.ndjson", 1], None),
        (["parts", "members.ndjson", 1, "lines"], "50"),
        (["parts", "members.ndjson", 1, "lines"], -1),
        (["parts", "members.ndjson", 1, "lines"], 1.5),
        (["parts", "members.ndjson", 1, "rejected"], None),
        (["parts", "members.ndjson", 1, "loaded"], True),
        (["parts", "members.ndjson", 1, "other"], 1),
        (["reported"], None),
        (["reported", "length"], "x"),
        (["reported", "checksum"], [1]),
    ],
)
def test_a_checkpoint_that_somebody_has_edited_is_ignored(
    tmp_path: Path, place: list[Any], value: object
) -> None:
    """Everything is written again, and the command can tell why."""
    fail_half_way(tmp_path / "set", tmp_path / "notes")
    content = part = json.loads((tmp_path / "notes").read_text("utf-8"))
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    (tmp_path / "notes").write_text(json.dumps(content), "utf-8")
    assert Checkpoint(tmp_path / "notes", "here").is_unusable
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 100


def test_only_a_file_that_is_not_a_checkpoint_is_unusable(tmp_path: Path) -> None:
    """Not a missing one, and not one of another destination."""
    assert not Checkpoint(tmp_path / "notes", "here").is_unusable
    fail_half_way(tmp_path / "set", tmp_path / "notes")
    for destination in ("here", "there"):
        assert not Checkpoint(tmp_path / "notes", destination).is_unusable


def test_a_checkpoint_of_an_older_version_is_continued(tmp_path: Path) -> None:
    """It also has the workspaces whose counts that version had given up."""
    fail_half_way(tmp_path / "set", tmp_path / "notes")
    content = json.loads((tmp_path / "notes").read_text("utf-8"))
    (tmp_path / "notes").write_text(json.dumps({**content, "held": [11, 12]}), "utf-8")
    assert not Checkpoint(tmp_path / "notes", "here").is_unusable
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") < 100
