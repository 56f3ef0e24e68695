"""The command ``import``: what it says, and what an import that was interrupted leaves to the next.

The deployment is a store in memory.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Finished, run
from tests.support.loading import (
    NAMES,
    Store,
    member,
    permissions,
    resources_of,
    write_members,
)
from usagectl.deployment import Deployment

type Import = Callable[..., tuple[Finished, Store]]

BROKEN = [f"members.ndjson:{number}" for number in range(5, 101, 5)]


@pytest.fixture
def import_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Import:
    """Returns a function that imports a data set into an empty store.

    It takes the store's ``fails_after``, options of the command, and the deployment's properties.
    """
    monkeypatch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 10)

    def run_(
        *options: str,
        fails_after: int | None = None,
        store: Store | None = None,
        table: str = NAMES.executions,
        **properties: Any,
    ) -> tuple[Finished, Store]:
        store = store or Store(fails_after=fails_after)
        place = Deployment("stack", {}, "https://a.example.com", None, {})
        deployment = replace(place, **properties)
        tables = replace(NAMES, executions=table)
        vars(deployment).update(
            resources=replace(resources_of(store), tables=tables), tables=tables
        )
        monkeypatch.setattr("usagectl.cli.import_.find_deployment", lambda _: deployment)
        return run("import", str(tmp_path), *options), store

    return run_


@pytest.fixture
def interrupted(import_: Import, tmp_path: Path) -> int:
    """An import of 100 lines that was interrupted; returns how many members it had loaded."""
    lines = ["broken\n" if n % 5 == 0 else member(n) for n in range(1, 101)]
    write_members(tmp_path, *lines)
    finished, store = import_(fails_after=45)
    assert finished.sentence.startswith("The store does not take the data: ")
    return len(permissions(store))


def reported(folder: Path) -> list[str]:
    """Returns the places in the report."""
    text = (folder / ".rejected.txt").read_text("utf-8")
    return [line.partition(": ")[0] for line in text.splitlines()]


def test_an_import_continues_where_the_last_one_stopped(
    import_: Import, interrupted: int, tmp_path: Path
) -> None:
    """It says so, and the report has the lines of both. The one after that begins again."""
    assert set(reported(tmp_path)) < set(BROKEN)
    finished, store = import_()
    assert (finished.code, finished.err) == (3, "Continuing where the last import stopped.\n")
    assert 80 - interrupted <= len(permissions(store)) < 80
    assert finished.out.splitlines() == [
        "Loaded: 80 from members.ndjson.",
        f"20 lines or files can't be used; {tmp_path / '.rejected.txt'} says which, and why.",
    ]
    assert reported(tmp_path) == BROKEN
    finished, store = import_("--json")
    assert (finished.code, finished.err, len(permissions(store))) == (3, "", 80)
    assert json.loads(finished.out) == {
        "dry_run": False,
        "loaded": {"members.ndjson": 80},
        "kept": {},
        "rejected": 20,
        "report": str(tmp_path / ".rejected.txt"),
    }


@pytest.mark.parametrize("other", [{"url": "https://b.example.com"}, {"name": "b"}, {"table": "b"}])
def test_an_import_into_another_deployment_begins_again(
    import_: Import, interrupted: int, other: dict[str, str]
) -> None:
    """A stack of the same name in another region has tables of the same names."""
    assert interrupted
    finished, store = import_(**other)
    assert finished.err == ""
    assert len(permissions(store)) == 80


def test_a_corrected_file_of_the_same_length_is_loaded_again(
    import_: Import, interrupted: int, tmp_path: Path
) -> None:
    """All of it, since nobody knows which lines were corrected."""
    assert interrupted
    path = tmp_path / "members.ndjson"
    before = path.stat().st_size
    text = path.read_text("utf-8").replace('"user_id": 1,', '"user_id": 7,')
    path.write_text(text, "utf-8")
    assert path.stat().st_size == before
    _, store = import_()
    assert len(permissions(store)) == 79
    assert reported(tmp_path) == BROKEN


def lengthen(path: Path) -> None:
    """Gives a file another length, but the same time."""
    before = path.stat().st_mtime_ns
    path.write_text("longer")
    os.utime(path, ns=(before, before))


@pytest.mark.parametrize(
    ("change", "uploaded"),
    [
        (lambda _: None, ["c"]),
        (lambda media: os.utime(media / "a", ns=(0, 0)), ["a", "b", "c"]),
        (lambda media: lengthen(media / "b"), ["a", "b", "c"]),
        (lambda media: (media / "a").rename(media / "A"), ["A", "b", "c"]),
    ],
)
def test_media_that_have_changed_since_are_uploaded_again(
    import_: Import,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    uploaded: list[str],
) -> None:
    """Whatever tells that they have: the time, the length, the name. Others are not."""
    monkeypatch.setattr("usagectl.loading.loader.FILES_PER_CHECKPOINT", 1)
    media = tmp_path / "media"
    media.mkdir()
    for name in "abc":
        (media / name).write_text(name)
        os.utime(media / name, ns=(10**18, 10**18))
    finished, _ = import_(fails_after=2)
    assert finished.code == 1
    change(media)
    _, store = import_()
    assert sorted(store.objects) == uploaded


def test_a_damaged_checkpoint_is_told(import_: Import, interrupted: int, tmp_path: Path) -> None:
    assert interrupted
    checkpoint = tmp_path / ".import-checkpoint.json"
    checkpoint.write_text("{", "utf-8")
    finished, store = import_()
    assert finished.err == (
        f"Warning: {checkpoint} is not a checkpoint; everything is loaded again.\n"
    )
    assert len(permissions(store)) == 80


def test_ctrl_c_says_that_an_import_can_be_continued(import_: Import, tmp_path: Path) -> None:
    """The exit code is that of a command that was interrupted."""

    class Interrupted(Store):
        def _call(self) -> None:
            raise KeyboardInterrupt

    write_members(tmp_path, member(1))
    finished, _ = import_(store=Interrupted())
    assert finished.code == 130
    assert finished.err.splitlines() == [
        "What is loaded stays loaded. Start the import again: it continues where it was.",
        "Stopped.",
    ]


def test_what_an_import_leaves_as_it_is_is_told(import_: Import, tmp_path: Path) -> None:
    """One and several, and rows only if the option says so."""
    row = {
        "id": 1,
        "workspace_id": 11,
        "user_id": 1,
        "user_email": "a@example.com",
        "created_at": "2026-01-05T00:00:00.000000Z",
        "agent": {"title": "Chat", "slug": "chat", "type": "chat"},
        "status": "succeeded",
    }
    (tmp_path / "executions.ndjson").write_text(json.dumps(row), "utf-8")
    write_members(tmp_path, member(1), member(2))
    _, store = import_()
    for table in store.items.values():
        for item in table.values():
            item["version"] = {"S": "1"}
    kept = "2 members were changed or removed since and stay as they are."
    finished, _ = import_(store=store)
    assert finished.out.splitlines() == ["Loaded: 1 from executions.ndjson.", kept]
    (item,) = store.items[NAMES.executions].values()
    item["version"] = {"S": "1"}
    finished, _ = import_("--keep-newer", store=store)
    rows = "1 execution was changed by events since and stays as it is."
    assert finished.out.splitlines() == ["Loaded: nothing.", kept, rows]


def test_one_file_can_not_be_report_and_checkpoint(import_: Import, tmp_path: Path) -> None:
    write_members(tmp_path, member(1))
    notes = str(tmp_path / "notes")
    finished, store = import_("--rejected", notes, "--checkpoint", notes)
    assert finished.code == 2
    assert "must be another file than that of --checkpoint" in finished.err
    assert not store.items
