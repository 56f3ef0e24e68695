"""Which functions each test runs, and how long it takes: a pytest plugin that records it.

    MUTANTS_RECORD=folder pytest -p tools.mutants.recorded_tests -n 2

Functions that run in other processes are not seen.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Final

import pytest

RECORD: Final = "MUTANTS_RECORD"
"""The environment variable that names the folder of the record."""

_ROOT: Final = Path(__file__).parents[2]
_TOOL_ID: Final = 4
_monitoring: Final = sys.monitoring


@dataclass(frozen=True, slots=True)
class RecordedTest:
    """What one test runs.

    Attributes:
        seconds: its duration, with its fixtures'.
        functions: for each function, its file and its qualified name, with ``::`` between them.
    """

    seconds: float
    functions: frozenset[str]


def read_record(folder: Path) -> dict[str, RecordedTest]:
    """Returns what was recorded, by the tests' node ids."""
    return {
        node_id: RecordedTest(test["seconds"], frozenset(test["functions"]))
        for path in folder.glob("*.json")
        for node_id, test in json.loads(path.read_text("utf-8")).items()
    }


def node_id_of(item: pytest.Item) -> str:
    """Returns a test's node id without the group that pytest-xdist appends."""
    group = item.get_closest_marker("xdist_group")
    if group is None:
        return item.nodeid
    return item.nodeid.removesuffix(f"@{group.args[0] if group.args else group.kwargs['name']}")


class _Recorder:
    """Records the tests of this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._functions: set[str] = set()
        self._tests: dict[str, dict[str, object]] = {}
        self._sources = tuple(
            f"{_ROOT / name}/" for name in ("layers/core", "functions", "usagectl", "local")
        )
        _monitoring.use_tool_id(_TOOL_ID, "mutants")
        _monitoring.register_callback(_TOOL_ID, _monitoring.events.PY_START, self._note)
        _monitoring.set_events(_TOOL_ID, _monitoring.events.PY_START)

    def _note(self, code: CodeType, _offset: int) -> object:
        if code.co_filename.startswith(self._sources):
            path = Path(code.co_filename).relative_to(_ROOT)
            self._functions.add(f"{path}::{code.co_qualname.replace('.<locals>', '')}")
        # Once a test is enough.
        return _monitoring.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._functions.clear()
        _monitoring.restart_events()
        began = time.perf_counter()
        result = yield
        self._tests[node_id_of(item)] = {
            "seconds": round(time.perf_counter() - began, 3),
            "functions": sorted(self._functions),
        }
        return result

    def pytest_sessionfinish(self) -> None:
        _monitoring.set_events(_TOOL_ID, _monitoring.events.NO_EVENTS)
        if self._tests:
            self._folder.mkdir(parents=True, exist_ok=True)
            worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
            (self._folder / f"{worker}.json").write_text(json.dumps(self._tests), "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Begins to record."""
    config.pluginmanager.register(_Recorder(Path(os.environ[RECORD])))
