"""The progress bar is for people who look at a terminal."""

import io
import sys

import pytest

from usagectl.progress_bar import ProgressBar


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self) -> bool:
        """Returns True."""
        return True


@pytest.mark.parametrize(
    ("stream", "delay_seconds", "is_shown"),
    [(Terminal(), 0.0, True), (Terminal(), 3600.0, False), (io.StringIO(), 0.0, False)],
)
def test_a_progress_bar_is_shown_on_a_terminal_after_its_delay(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, delay_seconds: float, is_shown: bool
) -> None:
    """Short work shows none, and a log file has none."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressBar("loading", "lines", 10, delay_seconds=delay_seconds) as bar:
        bar.advance(4)
    assert ("loading" in stream.getvalue()) is is_shown
