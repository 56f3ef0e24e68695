"""README's "Try it": its commands work as they stand, and their answers are what it shows."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.extraction import ROOT, Block, blocks_of, document

pytestmark = pytest.mark.xdist_group("try it")

ADDRESS: Final = "http://127.0.0.1:3000"
"""Where README's commands look for the stack."""


def examples() -> Iterator[tuple[str, str]]:
    """Yields the shell blocks under "Try it", each with the answer below it or an empty text."""
    section = document("README.md").text.partition("\n## Try it\n")[2].partition("\n## ")[0]
    for block, following in pairwise([*blocks_of(section), Block("", "")]):
        if block.language == "sh":
            yield block.text, following.text if following.language == "json" else ""


def run(commands: str) -> str:
    """Returns what bash prints, in the project's folder; no AWS account is found."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "USAGECTL_"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        # A python3 is there in any case: the one that runs the tests.
        env={**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="README's commands need curl")
@pytest.mark.skipif(
    not (ROOT / ".venv" / "installed").exists(), reason="bin/usagectl would install .venv"
)
def test_the_commands_work_in_order_and_answer_what_is_shown(url: str) -> None:
    """All answers are equal to the letter, but for the dates of the demo's rows."""
    answers = [(commands, run(commands.replace(ADDRESS, url)), a) for commands, a in examples()]
    assert answers, "README.md has no commands under Try it"
    for commands, printed, shown in answers:
        if not shown:
            assert printed.startswith(('{"items"', "ok ")), f"{commands}\n{printed}"
        elif '"next_cursor": "' in shown or '"start_date"' in shown:
            assert undated(printed) == undated(shown), (
                f"README.md shows another answer to {commands}"
            )
        else:
            assert printed.strip() == shown.strip(), f"README.md shows another answer to {commands}"


def undated(text: str) -> str:
    """Returns an answer about the demo, without what depends on when the demo was made."""
    body: dict[str, Any] = json.loads(text)
    for part in (body, *body.get("items", ()), *body.get("buckets", ())):
        for name in ("created_at", "next_cursor", "start_date", "end_date"):
            if name in part:
                part[name] = type(part[name]).__name__
    return json.dumps(body, indent=1)
