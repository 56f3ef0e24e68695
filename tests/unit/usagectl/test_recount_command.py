"""What ``recount --wait`` prints."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from usagectl.__main__ import main
from usagectl.recount import CountProgress, Recount


class Waiting:
    """A recount of workspace 11 during which nothing changes for a while."""

    workspace_id = 11

    def wait(self) -> Iterator[CountProgress]:
        """The progress."""
        waits = CountProgress(marks=2, counted_to=None, is_done=False)
        yield waits
        yield CountProgress(2, None, is_done=False, unchanged_for=timedelta(seconds=363))
        yield CountProgress(0, datetime(2026, 3, 1, tzinfo=UTC), is_done=True)


def test_waiting_says_where_to_look_if_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, whether that is a terminal or not; the result is on standard output."""
    monkeypatch.setattr(
        "usagectl.cli.recount.find_deployment", lambda _: SimpleNamespace(resources=None)
    )
    monkeypatch.setattr(Recount, "begin", lambda *_, **__: Waiting())
    assert main(["recount", "-w", "11", "--wait"]) == 0
    written = capsys.readouterr()
    assert written.out == "Workspace 11: counted up to 2026-03-01T00:00:00.000000Z.\n"
    assert written.err.splitlines() == [
        "Workspace 11: 2 marks left; nothing is counted yet.",
        "Workspace 11: nothing has changed for 6 minutes; the counter is busy with other"
        " workspaces, or it fails: see docs/operations.md, FailedCountsAlarm.",
    ]


@pytest.mark.parametrize(
    ("options", "from_scratch", "said"),
    [([], False, "will be counted in"), (["--reset"], True, "counted from the beginning")],
)
def test_counts_are_thrown_away_on_request_only(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    from_scratch: bool,
    said: str,
) -> None:
    """The command does what it says. Of each workspace."""
    begun = list[tuple[int, bool]]()

    def begin(_: object, workspace_id: int, *, from_scratch: bool) -> SimpleNamespace:
        begun.append((workspace_id, from_scratch))
        return SimpleNamespace(workspace_id=workspace_id)

    monkeypatch.setattr(
        "usagectl.cli.recount.find_deployment", lambda _: SimpleNamespace(resources=None)
    )
    monkeypatch.setattr(Recount, "begin", begin)
    assert main(["recount", "-w", "11", "-w", "12", *options]) == 0
    assert begun == [(11, from_scratch), (12, from_scratch)]
    assert capsys.readouterr().out.count(said) == 2
