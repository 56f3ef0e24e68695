"""After loading, the lines that can't be used are shown: some of them, and where all are."""

import re
import tempfile
from pathlib import Path

import pytest

from local.data.rejections import MAX_SHOWN_REJECTIONS, Rejections
from usagectl.data_set.rejections import Rejection


def shown(number: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Returns what is printed to standard error about a number of lines, line by line."""
    with Rejections() as rejections:
        for line in range(1, number + 1):
            rejections.add(Rejection("executions.ndjson", line, "id: must be a number"))
    return capsys.readouterr().err.splitlines()


def lines(number: int) -> list[str]:
    """Returns the text of that many rejected lines."""
    return [f"executions.ndjson:{line}: id: must be a number" for line in range(1, number + 1)]


def test_some_lines_are_shown_and_none_if_all_can_be_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is written."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    most = MAX_SHOWN_REJECTIONS
    assert shown(0, capsys) == []
    assert shown(most, capsys) == [
        f"{most} lines can't be used:",
        *(f"  {text}" for text in lines(most)),
    ]
    assert list(tmp_path.iterdir()) == []


def test_if_there_are_more_a_file_has_all_of_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is printed after the first ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    number = MAX_SHOWN_REJECTIONS + 2
    head, *first, last = shown(number, capsys)
    assert head == f"{number} lines can't be used:"
    assert first == [f"  {text}" for text in lines(MAX_SHOWN_REJECTIONS)]
    match = re.fullmatch("  The file (.+) has all of them.", last)
    assert match
    assert Path(match[1]).read_text("utf-8").splitlines() == lines(number)
