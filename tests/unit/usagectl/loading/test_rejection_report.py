"""The report of what an import could not use, also after interruptions."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.loading import (
    MEMBERS,
    TOKENS,
    Store,
    member,
    permissions,
    resources_of,
    write_members,
)
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError
from usagectl.loading.checkpoint import Checkpoint
from usagectl.loading.loader import Loader
from usagectl.loading.rejection_report import RejectionReport


@given(data=st.data())
def test_an_import_that_fails_again_and_again_loads_every_line_in_the_end(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever one fails, the next one continues, and the result is that of a single import.

    The report has each line that can't be used once, in order.
    """
    folder = tmp_path_factory.mktemp("set")
    users = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=300))
    broken = data.draw(st.sets(st.integers(0, len(users) - 1)))
    lines = ["broken\n" if n in broken else member(user, str(n)) for n, user in enumerate(users)]
    write_members(folder, *lines)
    store, path = Store(), folder / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "usagectl.loading.loader.LINES_PER_CHECKPOINT", data.draw(st.integers(1, 100))
        )
        for fails_after in [*data.draw(st.lists(st.integers(1, 200), max_size=6)), None]:
            store.calls, store.fails_after = 0, fails_after
            with RejectionReport(path) as rejected:
                try:
                    report = loader(store, folder / "checkpoint", rejected).load(folder)
                except LoadError:
                    assert fails_after is not None
                else:
                    break
    last = {f"11/{user}": [str(n)] for n, user in enumerate(users) if n not in broken}
    assert permissions(store) == last
    assert reported(path) == [f"members.ndjson:{n + 1}" for n in sorted(broken)]
    assert report.rejected == len(broken)
    assert report.loaded["members.ndjson"] == len(users) - len(broken)
    assert not (folder / "checkpoint").exists()


def loader(store: Store, checkpoint: Path, rejected: RejectionReport) -> Loader:
    """Returns a loader like the command's."""
    return Loader(
        resources_of(store),
        reject=rejected.add,
        checkpoint=Checkpoint(checkpoint, "here", rejected),
    )


def reported(path: Path) -> list[str]:
    """Returns the places that a report names."""
    if not path.exists():
        return []
    return [line.partition(": ")[0] for line in path.read_text("utf-8").splitlines()]


def fail_with_report(folder: Path) -> list[str]:
    """Fails in the middle of 100 lines, each fifth of them broken. Returns the report's places."""
    lines = ["broken\n" if n % 5 == 0 else member(n) for n in range(1, 101)]
    write_members(folder, *lines)
    (folder / TOKENS.name).write_text("broken\n" * 3, "utf-8")
    with pytest.MonkeyPatch.context() as patch, RejectionReport(folder / "report") as rejected:
        patch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 10)
        with pytest.raises(LoadError):
            loader(Store(fails_after=45), folder / "notes", rejected).load(folder)
    return reported(folder / "report")


def resume(folder: Path) -> list[str]:
    """Imports the rest. Returns the places that the report names then."""
    with RejectionReport(folder / "report") as rejected:
        loader(Store(), folder / "notes", rejected).load(folder)
    return reported(folder / "report")


WHOLE_REPORT = [
    *(f"tokens.ndjson:{n}" for n in (1, 2, 3)),
    *(f"members.ndjson:{n}" for n in range(5, 101, 5)),
]


def test_the_report_is_about_the_corrected_file(tmp_path: Path) -> None:
    """Even if size and time are the same. The entries of its old lines are no longer there."""
    assert "tokens.ndjson:1" in fail_with_report(tmp_path)
    tokens = tmp_path / TOKENS.name
    before = tokens.stat()
    tokens.write_text("broken\n      \nbroken\n")
    os.utime(tokens, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tokens.stat().st_size == before.st_size
    assert sorted(resume(tmp_path)) == sorted(set(WHOLE_REPORT) - {"tokens.ndjson:2"})


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_text("mine\n" * 100),
        lambda path: path.write_bytes(path.read_bytes().swapcase()),
    ],
    ids=["gone", "longer", "as long"],
)
def test_a_report_that_is_gone_or_changed_is_written_again(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """All of it, also the entries of lines that an earlier import has read."""
    fail_with_report(tmp_path)
    damage(tmp_path / "report")
    assert resume(tmp_path) == WHOLE_REPORT


def test_the_report_of_an_earlier_import_is_removed(tmp_path: Path) -> None:
    """If there is nothing to report, there is no file."""
    (tmp_path / "report").write_text("tokens.ndjson:1: old\n")
    write_members(tmp_path, member(1))
    assert resume(tmp_path) == []
    assert not (tmp_path / "report").exists()


def test_what_counts_as_saved_is_in_the_file(tmp_path: Path) -> None:
    """While the report is still open: the import may be killed at any moment."""
    report = RejectionReport(tmp_path / "report")
    report.add(Rejection("tokens.ndjson", 1, "is not JSON"))
    saved, size = report.sync(), (tmp_path / "report").stat().st_size
    report.close()
    assert 0 < saved.length == size


def test_a_report_shows_how_a_line_begins(tmp_path: Path) -> None:
    """On one line, with at most 120 characters; what can't be printed is escaped."""
    path = tmp_path / MEMBERS.name
    path.write_bytes(b'{"a": "\x1b[31m\xff\xc3\xa9' + b"x" * 200 + b"\n\r\n")
    resume(tmp_path)
    (line,) = (tmp_path / "report").read_text("utf-8").splitlines()
    place, beginning = line.split(" | ")
    assert place == "members.ndjson:1: is not UTF-8"
    assert beginning.startswith('{"a": "\\x1b[31m\\xffé' + "xxx")
    assert len(beginning) == 120
