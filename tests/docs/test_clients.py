"""docs/clients.md shows programs that list and add up the demo's data exactly."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.data.demo import ANA
from tests.docs.client_programs import FOLDER, Program, each_program, need
from tests.docs.extraction import document
from workspace_usage.values import parse_json

pytestmark = pytest.mark.xdist_group("try it")


@each_program
def test_the_document_shows_the_program_as_it_is(program: Program) -> None:
    """So what is copied from the page is what the other tests run."""
    # Clients of other kinds that the page shows are shorter.
    blocks = [b.text for b in document("docs/clients.md").blocks if b.language == program.language]
    shown = max(blocks, key=len, default="")
    assert shown == program.path.read_text("utf-8"), f"copy {program.file} into docs/clients.md"


def test_the_typescript_program_has_no_type_errors() -> None:
    """As TypeScript's own compiler says, if it is on this machine with the types of Node.js."""
    compiler = shutil.which("tsc")
    types = Path(compiler).resolve().parents[2] / "@types" if compiler else None
    if compiler is None or types is None or not (types / "node").exists():
        pytest.skip("type-checking needs tsc with @types/node beside it")
    strict = ["--strict", "--noEmit", "--erasableSyntaxOnly"]
    target = ["--target", "es2023", "--module", "nodenext"]
    node = ["--typeRoots", str(types), "--types", "node"]
    done = subprocess.run(
        [compiler, *strict, *target, *node, str(FOLDER / "list_usage.mts")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@dataclass(frozen=True)
class Expected:
    """What the API answers about the demo's last 30 days."""

    days: tuple[str, str]
    rows: list[str]
    sums: str


@pytest.fixture(scope="module")
def expected(url: str) -> Expected:
    """The rows, read by page number, and the summary's sums."""
    today = datetime.now(UTC).date()
    days = (f"{today - timedelta(days=29)}", f"{today}")
    rows: list[str] = []
    body: Any = {"has_more": True}
    while body["has_more"]:
        page = str(len(rows) // 100 + 1)
        body = _ask(url, "/workspaces/usage", days, per_page="100", page=page)
        rows += map(_row, body["items"])
    assert len(rows) > 100, "the demo has too few rows for two pages"
    totals = _ask(url, "/workspaces/usage/summary", days, interval="none")["totals"]
    charged = f"{Decimal(totals['credits']).normalize():f}"
    sums = f"{totals['runs']} runs, {totals['succeeded']} succeeded, {charged} credits"
    return Expected(days, rows, sums)


def _ask(url: str, path: str, days: tuple[str, str], **query: str) -> Any:
    response = httpx.get(
        f"{url}{path}",
        params={"start_date": days[0], "end_date": days[1], **query},
        headers={"Authorization": f"Bearer {ANA.token}", "x-workspace-id": str(ANA.workspace_id)},
    )
    assert response.status_code == 200
    return parse_json(response.content)


def _row(item: dict[str, Any]) -> str:
    columns = ("created_at", "id", "user_id", "source", "status")
    return "\t".join([*(str(item[name]) for name in columns), f"{Decimal(item['credits']):f}"])


@each_program
def test_rows_and_sums_are_those_of_the_api(program: Program, url: str, expected: Expected) -> None:
    """All rows, in order; the listing's sums are the summary's, to the last digit."""
    need(program)
    outcome = program.run(url, ANA.token, expected.days)
    assert outcome.rows.splitlines() == expected.rows
    assert outcome.messages.splitlines() == [
        f"The listing: {expected.sums}",
        f"The summary: {expected.sums}",
        "They are equal.",
    ]
    assert outcome.status == 0
    shown = [block.text for block in document("docs/clients.md").blocks if not block.language]
    assert outcome.messages in shown, "docs/clients.md shows other sums of the demo"
