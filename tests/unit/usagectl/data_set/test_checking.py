"""Lines that several processes check: the same results, in the file's order."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.functions import ROOT
from tests.support.loading import MEMBERS, member, write_members
from usagectl.data_set.checking import LINES_WITHOUT_PROCESSES, LineChecker
from usagectl.data_set.encoded_items import CheckedLine
from usagectl.data_set.payload_files import read_stored_items
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError, UnreadableFile
from workspace_usage.aws.dynamodb import Attributes

LINES = LINES_WITHOUT_PROCESSES + 6_345

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.loading import MEMBERS
from usagectl.data_set.checking import LineChecker
with LineChecker() as checker:
    for number, _ in checker.read(Path(sys.argv[1]), MEMBERS):
        if number == 8_000:
            print(*(process.pid for process in checker._processes), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, however many cores this machine has."""
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)


def write_lines(folder: Path) -> Path:
    """Writes many members, some lines that can't be used, and blank lines."""
    lines = [member(number + 1, str(number % 7)) for number in range(LINES)]
    lines[10] = lines[1_000] = lines[7_010] = "broken\n"
    lines[20] = lines[7_020] = "\n"
    return write_members(folder, *lines)


def is_running(pid: int) -> bool:
    """Returns whether there is such a process, other than one that only its parent knows."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    except FileNotFoundError:
        return False


def test_many_lines_are_checked_as_few_are(tmp_path: Path) -> None:
    """Also from a later line than the first one."""
    path, after = write_lines(tmp_path), 15
    with LineChecker() as checker:
        checked = list(checker.read(path, MEMBERS, after))
    plain = [
        (number, content if isinstance(content, Rejection) else content.decode())
        for number, content in checked
    ]
    assert plain == list(read_stored_items(path, MEMBERS, after))
    assert [number for number, content in plain if isinstance(content, Rejection)] == [
        1_001,
        7_011,
    ]


def test_a_file_that_breaks_off_gives_all_lines_before(tmp_path: Path) -> None:
    """Then the error is raised."""
    content = gzip.compress(write_lines(tmp_path).read_bytes())
    (tmp_path / MEMBERS.name).unlink()
    path = tmp_path / f"{MEMBERS.name}.gz"
    path.write_bytes(content[: len(content) * 3 // 4])
    found: list[CheckedLine] = []
    with LineChecker() as checker, pytest.raises(UnreadableFile):
        found.extend(checker.read(path, MEMBERS))
    alone: list[tuple[int, Attributes | Rejection]] = []
    with pytest.raises(UnreadableFile):
        alone.extend(read_stored_items(path, MEMBERS))
    assert len(alone) > LINES_WITHOUT_PROCESSES
    assert [number for number, _ in found] == [number for number, _ in alone]


def test_a_process_that_ends_is_an_error(tmp_path: Path) -> None:
    """No line is left out silently."""
    path = write_lines(tmp_path)
    with LineChecker() as checker:
        lines = checker.read(path, MEMBERS)
        while next(lines)[0] < LINES_WITHOUT_PROCESSES + 50:
            pass
        for process in checker._processes:
            process.kill()
        with pytest.raises(LoadError, match="has ended"):
            list(lines)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_the_processes_end_with_the_import(tmp_path: Path) -> None:
    """Even if it is killed."""
    path = write_lines(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-X", "cpu_count=2", "-c", KILLED, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/core"), str(ROOT)])},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in killed.stdout.split()]
    assert len(pids) == 2
    give_up = time.monotonic() + 60
    while any(map(is_running, pids)):
        assert time.monotonic() < give_up
        time.sleep(0.02)
