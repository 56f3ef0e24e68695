"""Loads functions as Lambda does, with the environment that the template declares."""

import gc
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from local.template.template import Template

ROOT: Final = Path(__file__).parents[2]
"""The repository's root folder."""


@dataclass
class Context:
    """What Lambda tells a function about an invocation.

    Attributes:
        remaining: the milliseconds that are left, for each time that the function asks; the last
            number is repeated.
    """

    function_name: str = "function"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    remaining: list[int] = field(default_factory=lambda: [20_000])

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds until Lambda ends the function."""
        return self.remaining.pop(0) if len(self.remaining) > 1 else self.remaining[0]


class StandardOutput:
    """Writes to the current standard output, which pytest replaces for each test."""

    def write(self, text: str) -> None:
        """Writes ``text``."""
        sys.stdout.write(text)

    def flush(self) -> None:
        """Flushes standard output."""
        sys.stdout.flush()


def environment_of(template: Template, logical_id: str) -> Mapping[str, str]:
    """Returns the environment variables that the template declares for a function."""
    variables = template.resources[logical_id].properties["Environment"]["Variables"]
    return {name: str(value) for name, value in variables.items()}


def load_function(
    name: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """Returns a new module of ``functions/<name>/app.py``, loaded as at a cold start.

    Args:
        name: the function's folder.
        environment: its environment variables.
        monkeypatch: sets them until the test is over.
    """
    _set_variables(environment, monkeypatch)
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions_{name}_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    threshold = gc.get_threshold()
    spec.loader.exec_module(module)
    # The function has frozen everything that is loaded, and here that is not the function alone.
    gc.unfreeze()
    gc.set_threshold(*threshold)
    # Powertools reuses loggers, which still write to the standard output of an earlier test. The
    # page function has none.
    logger = getattr(module, "logger", None)
    for handler in logger.handlers if logger else ():
        handler.setStream(StandardOutput())
    return module


_WARM_FUNCTIONS: Final[dict[tuple[str, frozenset[tuple[str, str]]], ModuleType]] = {}


def warm_function(
    name: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """Returns a function's module, which is loaded once for each environment.

    The objects that its requests share are made again, as after a cold start. The arguments are
    those of ``load_function``.
    """
    _set_variables(environment, monkeypatch)
    endpoints = {name: url for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT_")}
    key = name, frozenset({**environment, **endpoints}.items())
    if key not in _WARM_FUNCTIONS:
        with pytest.MonkeyPatch.context() as patch:
            _WARM_FUNCTIONS[key] = load_function(name, environment, patch)
    module = _WARM_FUNCTIONS[key]
    for value in vars(module).values():
        if getattr(value, "__module__", None) == module.__name__ and hasattr(value, "cache_clear"):
            value.cache_clear()
    return module


def _set_variables(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment.items():
        # The template declares endpoints as empty; those that a test has set are kept.
        if not (variable.startswith("AWS_ENDPOINT_URL_") and os.environ.get(variable)):
            monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
