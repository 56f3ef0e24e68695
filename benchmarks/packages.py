"""What is run: our functions as `make build` made them, and the baseline, packaged at its best.

The baseline has the same libraries, complete, with their bytecode: nothing is held against it but
how it is written.
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
    """A function as it lies in Lambda: its folder, its module, and what is on Python's path."""

    name: str
    folder: Path
    module: str
    path: tuple[Path, ...]


def ours(function: str) -> Package:
    """One of the stack's functions, as it is deployed."""
    layers = tuple(BUILD_FOLDER / layer / "python" for layer in ("CoreLayer", "DependenciesLayer"))
    return Package("ours", BUILD_FOLDER / f"{function.capitalize()}Function", "app", layers)


def baseline(function: str) -> Package:
    """The same function, written in a day."""
    return Package(
        "baseline", BASELINE_FOLDER / "functions", function, (BASELINE_FOLDER / "python",)
    )


def prepare_baseline() -> None:
    """Makes the baseline's package, unless it is there already.

    Raises:
        SystemExit: the stack is not built.
    """
    if not BUILD_FOLDER.is_dir():
        sys.exit("the stack is not built: make build")
    mark = BASELINE_FOLDER / _REQUIREMENTS.name
    if not mark.exists() or mark.read_bytes() != _REQUIREMENTS.read_bytes():
        shutil.rmtree(BASELINE_FOLDER, ignore_errors=True)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        options = ["--no-deps", "--only-binary=:all:", "--no-compile"]
        target = ["--target", str(BASELINE_FOLDER / "python"), "--requirement", str(_REQUIREMENTS)]
        subprocess.run([*install, *options, *target], check=True)  # noqa: S603 - our own command
        mark.write_bytes(_REQUIREMENTS.read_bytes())
    shutil.copytree(_SOURCES, BASELINE_FOLDER / "functions", dirs_exist_ok=True)
    for folder in ("python", "functions"):
        compileall.compile_dir(
            BASELINE_FOLDER / folder,
            quiet=1,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )


def environment(variables: Mapping[str, str], package: Package) -> dict[str, str]:
    """A process's environment: as Lambda's, with nothing of this machine's."""
    return {
        **variables,
        "PYTHONPATH": os.pathsep.join(map(str, package.path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def interpreter() -> str:
    """The Python that Lambda would have: without a virtual environment's packages."""
    return str(getattr(sys, "_base_executable", sys.executable))


def describe_machine() -> str:
    """What the figures were measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
