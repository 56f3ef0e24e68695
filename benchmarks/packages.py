"""The packages that are measured: our functions as `make build` makes them, and the baseline.

The baseline has the same libraries, complete, with their bytecode: only the way in which it is
written makes a difference.
"""

import compileall
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

ROOT: Final = Path(__file__).parents[1]
BUILD_FOLDER: Final = ROOT / ".aws-sam" / "build"
BASELINE_FOLDER: Final = ROOT / ".bench" / "baseline"
_SOURCES: Final = Path(__file__).parent / "baseline"
_REQUIREMENTS: Final = ROOT / "requirements" / "dev.txt"


@dataclass(frozen=True, slots=True)
class Package:
    """A function as Lambda has it: its folder, its module, and the folders on Python's path."""

    name: str
    folder: Path
    module: str
    path: tuple[Path, ...]


def ours(function: str) -> Package:
    """Returns one of the stack's functions, as it is deployed."""
    layers = tuple(BUILD_FOLDER / layer / "python" for layer in ("CoreLayer", "DependenciesLayer"))
    return Package("ours", BUILD_FOLDER / f"{function.capitalize()}Function", "app", layers)


def baseline(function: str) -> Package:
    """Returns the baseline's version of a function."""
    return Package(
        "baseline", BASELINE_FOLDER / "functions", function, (BASELINE_FOLDER / "python",)
    )


def prepare_baseline() -> None:
    """Makes the baseline's package if it doesn't exist yet.

    Raises:
        SystemExit: the stack is not built.
    """
    if not BUILD_FOLDER.is_dir():
        sys.exit("the stack is not built: make build")
    installed_lock = BASELINE_FOLDER / _REQUIREMENTS.name
    if not installed_lock.exists() or installed_lock.read_bytes() != _REQUIREMENTS.read_bytes():
        shutil.rmtree(BASELINE_FOLDER, ignore_errors=True)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        options = ["--no-deps", "--only-binary=:all:", "--no-compile"]
        target = ["--target", str(BASELINE_FOLDER / "python"), "--requirement", str(_REQUIREMENTS)]
        subprocess.run([*install, *options, *target], check=True)  # noqa: S603 - our own command
        installed_lock.write_bytes(_REQUIREMENTS.read_bytes())
    shutil.copytree(_SOURCES, BASELINE_FOLDER / "functions", dirs_exist_ok=True)
    for folder in ("python", "functions"):
        compileall.compile_dir(
            BASELINE_FOLDER / folder,
            quiet=1,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )


def environment(variables: Mapping[str, str], package: Package) -> dict[str, str]:
    """Returns a process's environment variables: only those that Lambda would set."""
    return {
        **variables,
        "PYTHONPATH": os.pathsep.join(map(str, package.path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def interpreter() -> str:
    """Returns a Python like Lambda's, without a virtual environment's packages."""
    return str(getattr(sys, "_base_executable", sys.executable))


def describe_machine() -> str:
    """Describes the machine on which the figures are measured."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
