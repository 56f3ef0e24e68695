"""The checks that a mutant has to pass to stay alive: those of the project's that concern it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from tools.mutants.mutant import Mutant
from tools.mutants.recorded_tests import RecordedTest

MIN_TIMEOUT: Final = 60.0
"""The seconds that tests have at least: a mutant may never end."""

_MAX_SECONDS: Final = 60.0
"""How long the tests of one mutant take at most."""
_TESTS_OF_TEMPLATE: Final = (
    "tests/deploy",
    "tests/unit/local/template",
    "tests/functions/test_alarms.py",
    "tests/functions/test_cache_keys.py",
    "tests/functions/test_rules.py",
    "tests/docs/test_names.py",
)
_SCANS: Final = (
    (".venv-sam/bin/sam", "validate", "--lint"),
    (".venv/bin/python", "-m", "tools.scan", ".venv-sam/bin/cfn-lint", ".venv-scan"),
)
"""What checks templates besides the tests."""
_TESTS_OF_ALL: Final = "tests/contract"
"""The tests that serve the whole template, and take longest."""

_FOLDERS: Final = (
    "tests/unit",
    "tests/functions",
    "tests/deploy",
    "tests/docs",
    "tests/store",
    "tests/contract",
    "tests/browser",
)
"""Those with the quickest start first."""


@dataclass(frozen=True, slots=True)
class Check:
    """A program that fails when it notices a mistake.

    Attributes:
        paths: files and folders of tests.
        tests: those tests in them that are run; all, if it is empty.
        command: another program with its arguments, if it isn't pytest.
        timeout: the seconds after which it counts as failed.
    """

    paths: Sequence[str] = ()
    tests: Sequence[str] = ()
    command: Sequence[str] = ()
    timeout: float = 600.0


@dataclass(slots=True)
class Checks:
    """Chooses checks.

    Attributes:
        tests: all recorded tests, by node id.
        root: the project's folder. Programs that are not installed there are left out: they would
            fail, and so notice each mutant.
    """

    tests: Mapping[str, RecordedTest]
    root: Path
    _by_function: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _by_file: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for node_id, test in self.tests.items():
            for function in test.functions:
                self._by_function[function].add(node_id)
                self._by_file[function.partition("::")[0]].add(node_id)

    def of(self, mutant: Mutant) -> list[Check]:
        """Returns the checks of a mutant, the quickest first."""
        if mutant.path.suffix == ".py":
            return self._of_code(mutant.path, mutant.scope)
        missing = missing_programs(self.root)
        return [
            *(Check(paths=[path]) for path in _TESTS_OF_TEMPLATE),
            *(Check(command=command) for command in _SCANS if missing.isdisjoint(command)),
            Check(paths=[_TESTS_OF_ALL]),
        ]

    def _of_code(self, path: PurePath, scope: str) -> list[Check]:
        """Returns the tests that run the function, or else the module, or else all over HTTP."""
        node_ids = self._by_function.get(f"{path}::{scope}") or self._by_file.get(str(path))
        if not node_ids:
            return [Check(paths=[_TESTS_OF_ALL])]
        chosen, seconds = self._quickest(node_ids)
        # pytest loses a folder's fixtures if the folder's files are not named one after the other.
        paths = sorted({node_id.partition("::")[0] for node_id in chosen})
        return [Check(paths, chosen, timeout=max(MIN_TIMEOUT, 4 * seconds))]

    def _quickest(self, node_ids: Iterable[str]) -> tuple[list[str], float]:
        """Returns the tests that are done within ``_MAX_SECONDS``, and how long they take."""
        chosen: list[str] = []
        sum_of_seconds = 0.0
        for node_id in sorted(node_ids, key=self._duration):
            sum_of_seconds += self.tests[node_id].seconds
            if chosen and sum_of_seconds > _MAX_SECONDS:
                break
            chosen.append(node_id)
        return chosen, sum_of_seconds

    def _duration(self, node_id: str) -> tuple[int, float, str]:
        folders = (number for number, name in enumerate(_FOLDERS) if node_id.startswith(f"{name}/"))
        return next(folders, len(_FOLDERS)), self.tests[node_id].seconds, node_id


def missing_programs(root: Path) -> set[str]:
    """Returns the programs and environments of checks that are not installed in a folder."""
    needed = {part for command in _SCANS for part in command if part.startswith(".")}
    return {part for part in needed if not (root / part).exists()}
