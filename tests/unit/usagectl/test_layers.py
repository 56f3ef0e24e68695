"""Which modules the operator's tool imports: those below it, and each other without a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.functions import ROOT

ABOVE = {"benchmarks", "functions", "local", "tests", "workspace_api"}
"""The packages that use the tool, or that it must not know."""


def modules() -> dict[str, Path]:
    """Returns the tool's modules by their names."""
    paths = (ROOT / "usagectl").rglob("*.py")
    names = {path: path.relative_to(ROOT).with_suffix("") for path in paths}
    return {".".join(name.parts).removesuffix(".__init__"): path for path, name in names.items()}


def imported(path: Path) -> Iterator[str]:
    """Yields what a module imports, also in functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_tool_imports_nothing_that_uses_it() -> None:
    """The local stack and the benchmarks load data with it, and not the other way."""
    for name, path in modules().items():
        upwards = {module for module in imported(path) if module.partition(".")[0] in ABOVE}
        assert not upwards, f"{name} imports {upwards}"


def test_no_two_modules_import_each_other() -> None:
    """Neither directly nor through others; imports that only types need count, too."""
    known = modules()
    below = {name: known.keys() & set(imported(path)) for name, path in known.items()}
    # A package's own name comes with each import from it.
    packages = {name for name, path in known.items() if path.name == "__init__.py"}
    TopologicalSorter({name: found - packages for name, found in below.items()}).prepare()
