"""DynamoDB Local as a process: it runs, or the reason is told, and it never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.dynamodb import process
from local.dynamodb.process import DynamoDBLocal, why_unavailable
from local.errors import StartError
from local.template.template import Template
from tests.support.database import database
from tests.support.functions import ROOT

pytestmark = pytest.mark.xdist_group("dynamodb-local")

STARTER = (
    "from local.dynamodb.process import DynamoDBLocal;"
    "print(DynamoDBLocal(is_brief=True).port, flush=True); input()"
)


def is_open(port: int) -> bool:
    """Whether a process listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def java(folder: Path, says: str) -> str:
    """Makes a Java installation whose ``java`` prints this version; returns its folder."""
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n", "utf-8")
    program.chmod(0o755)
    return str(folder)


def test_it_ends_when_it_is_stopped(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing listens, and none of its files is left. Stopping it again does nothing."""
    reason = why_unavailable()
    if reason is not None:
        pytest.skip(reason)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with DynamoDBLocal(is_brief=True) as running:
        assert is_open(running.port)
        with database(running.url, template):
            assert list(tmp_path.rglob("*sqlite4java*"))
    assert not is_open(running.port)
    assert list(tmp_path.iterdir()) == []
    running.stop()


@pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="needs Linux")
def test_it_listens_on_127_0_0_1_alone(engine: DynamoDBLocal) -> None:
    """Whether the system shows it as an address of IPv4 or IPv6."""
    rows = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text("ascii").splitlines()[1:]
    ]
    listening = {
        row[1].rpartition(":")[0]
        for row in rows
        if row[3] == "0A" and row[1].endswith(f":{engine.port:04X}")
    }
    assert listening in ({"0100007F"}, {"0000000000000000FFFF00000100007F"})


def test_a_warning_tells_that_java_without_a_compiler_listens_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It runs DynamoDB Local's own class."""
    (tmp_path / "DynamoDBLocal-1.jar").touch()
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(process, "JARS_FOLDER", tmp_path)
    program = Path(java(tmp_path, "")) / "bin" / "java"
    program.write_text(
        """#!/bin/sh
        case "$*" in
        -version) echo 'openjdk version "17.0.15"' >&2 ;;
        *jdk.compiler*) echo "Error: Module jdk.compiler not found" >&2; exit 1 ;;
        *) echo "Error: asked to run $*" | sed 's/ -inMemory.*//; s/run .* /run /' ;;
        esac
        """,
        "utf-8",
    )
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StartError, match=r"asked to run [a-z.]*\.main\.ServerRunner$"):
        DynamoDBLocal()
    assert "listens on every interface of this machine" in capfd.readouterr().err


def test_it_ends_with_its_parent_even_if_that_is_killed(engine: DynamoDBLocal) -> None:
    """Then the parent can't clean up, but no Java is left."""
    assert is_open(engine.port)
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "layers" / "core")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert is_open(port)
        starter.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while is_open(port):
        assert time.monotonic() < end, "it has stayed"
        time.sleep(0.05)


def test_a_port_in_use_is_refused_with_its_number(engine: DynamoDBLocal) -> None:
    """It never uses another process's port."""
    with pytest.raises(StartError, match=f"can't listen on port {engine.port}: "):
        DynamoDBLocal(engine.port)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "needs Java 17 or later, and this is Java 11"),
        ('java version "1.8.0_402"', "needs Java 17 or later, and this is Java 1"),
        ("Unable to locate a Java Runtime.", "needs Java 17 or later, and there is none here"),
    ],
)
def test_a_java_that_is_too_old_is_refused_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, reason: str
) -> None:
    """Also macOS's ``java``, which only says that there is no Java."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, says))
    assert why_unavailable() == f"DynamoDB Local {reason}"


def test_one_sentence_tells_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Java, without the jars, or on another processor it doesn't start."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StartError, match="needs Java 17 or later, and there is none here"):
        DynamoDBLocal()
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, 'openjdk version "17.0.15" 2025-04-15'))
    monkeypatch.setattr(process, "JARS_FOLDER", tmp_path)
    with pytest.raises(StartError, match="make dynamodb-local-jars downloads it"):
        DynamoDBLocal()
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    with pytest.raises(StartError, match="runs on x86-64 only, and this is arm64"):
        DynamoDBLocal()


def test_if_java_ends_its_error_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the reason in StartError."""
    home = java(tmp_path, 'openjdk version "17.0.15"\nError: out of everything')
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("JAVA_HOME", home)
    (tmp_path / "DynamoDBLocal-1.jar").touch()
    monkeypatch.setattr(process, "JARS_FOLDER", tmp_path)
    with pytest.raises(StartError, match="did not start: Error: out of everything"):
        DynamoDBLocal()
