"""``make`` uses the Python that it is told to, and downloads only what is needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.functions import ROOT

REFUSAL = "PYTHON=/nope does not run as a Python 3.13"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that make reads, with a virtual environment that is up to date."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for lock in (
        "requirements/dev.txt",
        "functions/page/requirements.txt",
        "layers/dependencies/requirements.txt",
    ):
        (tmp_path / lock).parent.mkdir(parents=True)
        (tmp_path / lock).touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / "installed").touch()
    made_with(tmp_path, os.path.realpath(sys.executable))
    return tmp_path


def made_with(project: Path, python: str) -> None:
    """Writes into the virtual environment which Python made it, as ``venv`` does."""
    (project / ".venv" / "pyvenv.cfg").write_text(f"home = /\nexecutable = {python}\n")


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make, without Maven."""
    # A make that runs these tests has variables that this one must not see.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    kept = {name: value for name, value in kept.items() if name not in {"PYTHON", "TESTS"}}
    return subprocess.run(
        ["make", "MVN=false", *arguments],
        cwd=project,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unusable_python_is_refused_even_if_there_is_an_environment(project: Path) -> None:
    """With one sentence. The environment stays as it is."""
    done = make(project, "run", "PYTHON=/nope")
    assert done.returncode != 0
    assert REFUSAL in done.stderr
    assert (project / ".venv" / "installed").exists()
    assert REFUSAL not in make(project, "help", "PYTHON=/nope").stderr


def test_an_environment_is_made_again_only_for_another_python(project: Path) -> None:
    """The same Python can have two names. One that no longer exists is replaced."""
    command = ("--dry-run", ".venv/installed")
    assert "make-venv" not in make(project, *command).stdout
    assert "make-venv" not in make(project, *command, f"PYTHON={sys.executable}").stdout
    made_with(project, "/opt/other/bin/python3.13")
    assert "make-venv" not in make(project, *command).stdout
    assert "make-venv" in make(project, *command, f"PYTHON={sys.executable}").stdout
    (project / ".venv" / "bin" / "python").unlink()
    (project / ".venv" / "bin" / "python").symlink_to("/nowhere")
    assert "make-venv" in make(project, *command).stdout


@pytest.mark.parametrize(
    ("tests", "wanted"),
    [
        ("", True),
        ("tests", True),
        ("tests/unit tests/store/test_listing.py", True),
        ("tests/unit/rows/test_window.py -k week", False),
        ("-k week", False),
    ],
)
def test_dynamodb_local_is_downloaded_for_the_tests_that_need_it(
    project: Path, tests: str, wanted: bool
) -> None:
    """All tests, and those in tests/store."""
    (project / "local" / "dynamodb").mkdir(parents=True)
    (project / "local" / "dynamodb" / "pom.xml").touch()
    done = make(project, "--dry-run", "test", f"TESTS={tests}")
    assert done.returncode == 0
    assert ("DynamoDB Local" in done.stdout) is wanted


@pytest.mark.parametrize("command", ["preflight", "deploy", "take-over"])
@pytest.mark.parametrize("environment", [(), ("ENV=production",)])
def test_without_a_known_environment_nothing_is_deployed(
    project: Path, command: str, environment: tuple[str, ...]
) -> None:
    """One sentence says how to name one."""
    done = make(project, command, *environment)
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"Nothing was done. Say for which environment: make {command} ENV=dev" in done.stderr


@pytest.mark.parametrize("region", ["", "sa-east-1"])
def test_a_deployment_goes_to_the_region_of_the_aws_configuration(
    project: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """Not to the default that the other commands have, unless AWS_DEFAULT_REGION is set."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    done = make(project, "--dry-run", "deploy", "ENV=prod")
    assert ("env -u AWS_DEFAULT_REGION" in done.stdout) is (region == "")
