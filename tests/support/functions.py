"""The functions as Lambda would load them: the template's environment, and a context."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from local.template.template import Template

ROOT = Path(__file__).parents[2]


@dataclass
class Context:
    """What Lambda tells a function about one invocation."""

    function_name: str = "function"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    remaining: list[int] = field(default_factory=lambda: [20_000])
    """Milliseconds that are left, as of each time of asking; the last one stays."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""
        return self.remaining.pop(0) if len(self.remaining) > 1 else self.remaining[0]


class StandardOutput:
    """Standard output as it is when it is written to, which pytest changes from test to test."""

    def write(self, text: str) -> None:
        """Writes ``text``."""
        sys.stdout.write(text)

    def flush(self) -> None:
        """Flushes what was written."""
        sys.stdout.flush()


def environment_of(template: Template, logical_id: str) -> Mapping[str, str]:
    """The variables that the template declares for a function."""
    variables = template.resources[logical_id].properties["Environment"]["Variables"]
    return {name: str(value) for name, value in variables.items()}


def load(name: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``functions/<name>/app.py``, loaded anew with ``environment``, as at a cold start."""
    for variable, value in environment.items():
        # What the template declares as empty is for whoever runs it to set.
        if not (variable.startswith("AWS_ENDPOINT_URL_") and os.environ.get(variable)):
            monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions_{name}_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    # Powertools' loggers live on, with the standard output of the test that made them.
    for handler in module.logger.handlers:
        handler.setStream(StandardOutput())
    return module
