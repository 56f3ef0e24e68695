"""The structure of the code: the map of the modules is complete, and imports go only downwards."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

import workspace_usage
from tests.support.functions import ROOT

CORE: Final = ROOT / "layers" / "core"

ALLOWED_IMPORTS: Final[Mapping[str, set[str]]] = {
    "workspace_usage": set(),
    "workspace_api": {"workspace_usage"},
    "functions": {"usagectl", "workspace_api", "workspace_usage"},
    "usagectl": {"workspace_usage"},
    "local": {"usagectl", "workspace_usage"},
    "tools": {"local", "usagectl", "workspace_usage"},
    "benchmarks": {"local", "usagectl", "workspace_api", "workspace_usage"},
}
"""For each folder of the repository, the other folders that it may import. Tests may import all."""

MAX_LINES_OF_A_MODULE: Final = 300


def modules_in(root: Path, folder: str) -> Iterator[tuple[str, Path]]:
    """Yields the dotted name and the file of each module in a folder.

    Args:
        root: the folder where Python begins to look for modules.
        folder: the folder in ``root``.
    """
    for path in sorted((root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES: Final = {
    name: path
    for folder in ALLOWED_IMPORTS
    for name, path in modules_in(CORE if folder.startswith("workspace_") else ROOT, folder)
}
"""The file of each module of the repository but the tests."""

TEST_MODULES: Final = dict(modules_in(ROOT, "tests"))


def folder_of(module: str) -> str:
    """Returns the folder of a module, the first part of its name."""
    return module.partition(".")[0]


def package_of(module: str) -> str:
    """Returns the part of the domain to which one of its modules belongs."""
    return module.split(".")[1]


@cache
def import_statements_of(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Returns the imports in a file, anywhere in it."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imports_of(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """Yields those of ``modules`` that a file imports, anywhere in it."""
    for node in import_statements_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif node.module is not None:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                imported = submodule if submodule in modules else node.module
                if imported in modules:
                    yield imported


def modules_on_the_map() -> list[str]:
    """Returns the modules that the domain's docstring explains, in its order, the highest first."""
    modules, package = [], ""
    entries = re.findall(r"^( {4}| {8})(\w+) {2,}\S", workspace_usage.__doc__ or "", re.MULTILINE)
    for indent, name in entries:
        if len(indent) == 4:
            package = f"workspace_usage.{name}"
            modules.append(package)
        else:
            modules.append(f"{package}.{name}")
    return modules


DOMAIN: Final = [name for name in MODULES if name.startswith("workspace_usage.")]


def test_the_map_names_every_module_of_the_domain_and_no_other() -> None:
    """A new module is explained, and the entry of a deleted one is deleted."""
    assert sorted(modules_on_the_map()) == sorted(DOMAIN)


def test_no_module_imports_a_package_above_its_own() -> None:
    """The order of the packages is that of the map."""
    packages = list(dict.fromkeys(package_of(module) for module in modules_on_the_map()))
    imports_from_above = [
        f"{name} imports {module}"
        for name in DOMAIN
        for module in imports_of(MODULES[name], MODULES)
        if module in DOMAIN
        and packages.index(package_of(module)) < packages.index(package_of(name))
    ]
    assert imports_from_above == []


def test_a_folder_imports_only_folders_below_it() -> None:
    """The functions import the domain, and the domain knows no function."""
    forbidden_imports = [
        f"{name} imports {module}"
        for name, path in MODULES.items()
        for module in imports_of(path, MODULES)
        if folder_of(module) not in ALLOWED_IMPORTS[folder_of(name)] | {folder_of(name)}
    ]
    assert forbidden_imports == []


def test_only_the_doctor_s_function_imports_the_operator_s_tool() -> None:
    """It makes the tool's checks. The tool is in the package of no other function."""
    importers = {
        name
        for name, path in MODULES.items()
        if folder_of(name) == "functions"
        and any(folder_of(module) == "usagectl" for module in imports_of(path, MODULES))
    }
    assert importers == {"functions.doctor.app"}


def test_only_tests_import_tests() -> None:
    """What other code needs of a test's helpers must move to where that code is."""
    importers = [name for name, path in MODULES.items() if list(imports_of(path, TEST_MODULES))]
    assert importers == []


def test_no_test_module_is_imported() -> None:
    """What several test modules use is a helper, in a module of its own."""
    imports = {
        name: [
            module
            for module in imports_of(path, TEST_MODULES)
            if module.rpartition(".")[2].startswith(("test_", "conftest"))
        ]
        for name, path in TEST_MODULES.items()
    }
    assert {name: modules for name, modules in imports.items() if modules} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither two modules nor a longer chain of modules does."""
    graph = {
        name: {module for module in imports_of(path, MODULES) if module != name}
        for name, path in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("package", ["workspace_api", "usagectl", "local"])
def test_what_a_package_s_map_names_is_there(package: str) -> None:
    docstring = ast.get_docstring(ast.parse(MODULES[package].read_text("utf-8"))) or ""
    names = re.findall(r"^ {4}(\w+)/? {2,}\S", docstring, re.MULTILINE)
    assert names
    assert [name for name in names if f"{package}.{name}" not in MODULES] == []


def test_init_files_import_nothing() -> None:
    """The authorizer imports a single module without others, such as pydantic, coming with it."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in CORE.rglob("__init__.py")}
    code = [path for path, tree in trees.items() if len(tree.body) > bool(ast.get_docstring(tree))]
    assert code == []


def test_no_module_is_too_long_to_read_in_one_go() -> None:
    """A longer module has more than one idea."""
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES_OF_A_MODULE} == {}
