"""Which mutants are run: some of each area by chance, or those that an earlier run left alive."""

import json
import random
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from tools.mutants import python_code, template
from tools.mutants.mutant import Mutant

AREAS: Final = {
    "domain": "layers/core",
    "functions": "functions",
    "usagectl": "usagectl",
    "template": "template.yaml",
}
"""The path of each area."""

_MAKERS: Final[Mapping[str, Callable[[PurePath, str], list[Mutant]]]] = {
    ".py": python_code.mutants_of,
    ".yaml": template.mutants_of,
}
"""What makes the mutants of a file, by its suffix."""

_LINK: Final = "120000"
"""Git's mode of a symbolic link. Links are other areas' files."""


class RefusedRun(Exception):
    """No mutant can be run; the text says why."""


def chosen(root: Path, areas: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Returns mutants by chance: the same ones for the same code and seed.

    Args:
        root: the project's folder.
        areas: names of areas, or paths.
        count: how many to choose, the same number of each area.
        seed: the seed of the choice.

    Raises:
        RefusedRun: an area has nothing to change, or changes that are not committed.
    """
    choice = random.Random(seed)  # noqa: S311
    found: list[Mutant] = []
    for number, area in enumerate(areas):
        mutants = mutants_of(root, [AREAS.get(area, area)])
        share = count * (number + 1) // len(areas) - count * number // len(areas)
        found += choice.sample(mutants, min(share, len(mutants)))
    return found


def again(root: Path, results: Path) -> list[Mutant]:
    """Returns the mutants that were alive in an earlier run, as the code is now.

    Raises:
        RefusedRun: there is no such file, or a file has changes that are not committed.
    """
    try:
        text = results.read_text("utf-8")
    except OSError as error:
        raise RefusedRun(f"{results} can't be read: {error.strerror}") from None
    lines = map(json.loads, text.splitlines())
    names = {tuple(line["name"]) for line in lines if line["noticed"] is None}
    if not names:
        return []
    paths = sorted({path for path, _, _ in names})
    return [mutant for mutant in mutants_of(root, paths) if mutant.name in names]


def mutants_of(root: Path, paths: Sequence[str]) -> list[Mutant]:
    """Returns all mutants of the committed files below some paths.

    Raises:
        RefusedRun: there is nothing to change, or there are changes that are not committed.
    """
    changed = _git(root, "status", "--porcelain", "--", *paths)
    if changed:
        raise RefusedRun(f"{changed[0][3:]} has changes that are not committed")
    mutants = [
        mutant for path in _files(root, paths) for mutant in _mutants_of_file(root, PurePath(path))
    ]
    if not mutants:
        raise RefusedRun(f"nothing can be changed in {', '.join(paths)}")
    return mutants


def _files(root: Path, paths: Iterable[str]) -> list[str]:
    """Returns the committed files below some paths, without links."""
    entries = [line.split("\t") for line in _git(root, "ls-files", "-s", "--", *paths)]
    return [name for facts, name in entries if not facts.startswith(_LINK)]


def _mutants_of_file(root: Path, path: PurePath) -> list[Mutant]:
    maker = _MAKERS.get(path.suffix)
    return maker(path, (root / path).read_text("utf-8")) if maker else []


def _git(root: Path, *arguments: str) -> list[str]:
    """Returns the lines that git prints."""
    command = ["git", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)  # noqa: S603
    return done.stdout.splitlines()
