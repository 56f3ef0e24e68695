"""The house: the map of the domain's modules is complete, and imports go down only."""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

import workspace_usage
from tests.support.functions import ROOT

CORE: Final = ROOT / "layers" / "core"

FOLDERS: Final[Mapping[str, set[str]]] = {
    "workspace_usage": set(),
    "workspace_api": {"workspace_usage"},
    "functions": {"workspace_api", "workspace_usage"},
    "usagectl": {"workspace_usage"},
    "local": {"usagectl", "workspace_usage"},
    "tools": {"workspace_api", "workspace_usage"},
    "benchmarks": {"local", "usagectl", "workspace_api", "workspace_usage"},
}
"""Which of the repository's folders a folder may import; ``tests`` may import all."""

IMPORTS_TESTS: Final = re.compile(r"^\s*(from|import) tests\b", re.MULTILINE)

MAX_LINES: Final = 300


def source_files() -> Iterator[tuple[str, Path]]:
    """Yields each module's name and file."""
    for folder in FOLDERS:
        root = CORE if folder.startswith("workspace_") else ROOT
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES: Final = dict(source_files())


def imports_of(path: Path) -> Iterator[str]:
    """Yields the modules of the repository that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from (found for found in (name,) if found in MODULES)
                if name not in MODULES and node.module in MODULES:
                    yield node.module


def mapped() -> list[tuple[str, str]]:
    """The lines of the map, from the top: each module's package and its dotted name."""
    lines, package = [], ""
    for indent, name in re.findall(
        r"^( {4}| {8})(\w+) {2,}\S", workspace_usage.__doc__ or "", re.MULTILINE
    ):
        if len(indent) == 4:
            package = name
        lines.append(
            (package, f"workspace_usage.{package}{f'.{name}' if len(indent) == 8 else ''}")
        )
    return lines


def test_the_map_names_every_module_and_no_other() -> None:
    domain = {name for name in MODULES if name.startswith("workspace_usage.")}
    assert {name for _, name in mapped()} == domain


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("workspace_usage.")])
def test_a_module_imports_only_packages_below_its_own(name: str) -> None:
    packages = list(dict.fromkeys(package for package, _ in mapped()))
    own = packages.index(name.split(".")[1])
    above = [
        module
        for module in imports_of(MODULES[name])
        if module.startswith("workspace_usage.") and packages.index(module.split(".")[1]) < own
    ]
    assert above == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    allowed = FOLDERS[folder] | {folder}
    wrong = [
        f"{name} imports {module}"
        for name, path in MODULES.items()
        if name.split(".")[0] == folder
        for module in imports_of(path)
        if module.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_nothing_but_tests_imports_tests() -> None:
    found = [name for name, path in MODULES.items() if re.search(IMPORTS_TESTS, path.read_text())]
    assert found == []


def test_no_two_modules_import_each_other_even_by_way_of_others() -> None:
    graph = {name: {m for m in imports_of(path) if m != name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_packages_have_nothing_in_their_init_file() -> None:
    """Importing one module of the authorizer's must not import others, such as pydantic."""
    packages = [
        path for path in CORE.rglob("__init__.py") if path.parent != CORE / "workspace_usage"
    ]
    assert [path for path in packages if path.read_text("utf-8").strip()] == []


def test_no_module_is_longer_than_a_person_can_overlook() -> None:
    long = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}
