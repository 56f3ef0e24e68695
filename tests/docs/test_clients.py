"""docs/clients.md: its programs list, add up, retry, stop and continue as the page says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx
import pytest

from local.data.demo import ANA
from tests.docs.extraction import ROOT, document
from tests.docs.prepared_api import REQUEST_ID, PreparedApi, Received, Reply, problem
from workspace_usage.values import parse_json

pytestmark = pytest.mark.xdist_group("try it")

FOLDER: Final = ROOT / "examples" / "clients"
TOKEN: Final = "7|not-to-be-shown"
DAYS: Final = ("2026-11-01", "2026-11-30")


@dataclass(frozen=True)
class Program:
    """A program of docs/clients.md.

    Attributes:
        file: its name.
        language: the language of its block in the document.
        command: what runs it.
        check: arguments of the command that succeed if it can run the program.
        needs: what must be installed.
    """

    file: str
    language: str
    command: str
    check: tuple[str, ...]
    needs: str

    @property
    def path(self) -> Path:
        """Its file."""
        return FOLDER / self.file

    @cache  # noqa: B019 (there are three programs)
    def can_run(self) -> bool:
        """Whether its language is on this machine."""
        if shutil.which(self.command) is None:
            return False
        return not subprocess.run([self.command, *self.check], check=False).returncode

    def run(self, url: str, token: str = TOKEN, **variables: str) -> "Outcome":
        """Runs it, and returns how it ended."""
        return self._run(url, token, DAYS, variables)

    def run_for(self, url: str, token: str, days: tuple[str, str]) -> "Outcome":
        """Runs it for a window of days."""
        return self._run(url, token, days, {})

    def _run(
        self, url: str, token: str, days: tuple[str, str], variables: Mapping[str, str]
    ) -> "Outcome":
        done = subprocess.run(
            [self.command, str(self.path), *days],
            env={
                "PATH": os.environ["PATH"],
                "USAGE_URL": f"{url}/",
                "USAGE_TOKEN": f"{token}\n",
                "USAGE_WORKSPACE": "11",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Outcome:
    """How a program ended, what it printed, and what the prepared API received."""

    status: int
    rows: str
    messages: str
    received: list[Received] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, with their query strings."""
        return [request.path for request in self.received]


PROGRAMS: Final = (
    Program("list_usage.py", "python", sys.executable, ("-c", ""), "Python"),
    Program(
        "list_usage.mts",
        "typescript",
        "node",
        ("-e", "process.exit(process.features.typescript ? 0 : 1)"),
        "Node.js 22.18 or newer",
    ),
    Program(
        "list_usage.php",
        "php",
        "php",
        ("-r", 'exit(extension_loaded("curl") && extension_loaded("bcmath") ? 0 : 1);'),
        "PHP with the extensions curl and bcmath",
    ),
)

each_program = pytest.mark.parametrize(
    "program", [pytest.param(program, id=program.language) for program in PROGRAMS]
)


def need(program: Program) -> None:
    """Skips the test if the program's language is not on this machine."""
    if not program.can_run():
        pytest.skip(f"{program.file} needs {program.needs}")


@each_program
def test_the_document_shows_the_program_as_it_is(program: Program) -> None:
    """So what is copied from the page is what the other tests run."""
    blocks = document("docs/clients.md").blocks
    (shown,) = [block.text for block in blocks if block.text.startswith(_beginning(program))]
    assert shown == program.path.read_text("utf-8"), f"docs/clients.md: copy {program.path} again"


def _beginning(program: Program) -> str:
    return program.path.read_text("utf-8")[:60]


def test_the_typescript_program_has_no_type_errors() -> None:
    """As TypeScript's own compiler says, if it is on this machine with the types of Node.js."""
    compiler = shutil.which("tsc")
    types = Path(compiler).resolve().parents[2] / "@types" if compiler else None
    if compiler is None or types is None or not (types / "node").exists():
        pytest.skip("type-checking needs tsc with @types/node beside it")
    options = "--strict --noEmit --erasableSyntaxOnly --target es2023 --module nodenext".split()
    command = [compiler, *options, "--typeRoots", str(types), "--types", "node"]
    done = subprocess.run(
        [*command, str(FOLDER / "list_usage.mts")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


# --- Against the demo -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """What the API answers about a window of the demo that has ended."""

    days: tuple[str, str]
    rows: list[str]
    sums: str


@pytest.fixture(scope="module")
def expected(url: str) -> Expected:
    """The rows of 90 days that ended yesterday, read by page number, and the summary's sums."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    days = (f"{last - timedelta(days=89)}", f"{last}")
    rows: list[str] = []
    body: Any = {"has_more": True}
    while body["has_more"]:
        page = str(len(rows) // 100 + 1)
        body = _ask(url, "/workspaces/usage", days, per_page="100", page=page)
        rows += map(_row, body["items"])
    assert len(rows) > 200, "the demo has too few rows for three pages"
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
    outcome = program.run_for(url, ANA.token, expected.days)
    assert outcome.rows.splitlines() == expected.rows
    assert outcome.messages.splitlines() == [
        f"The listing: {expected.sums}",
        "The summary has the same sums.",
    ]
    assert outcome.status == 0


# --- Against an API that fails --------------------------------------------------------------------

LISTING: Final = f"/workspaces/usage?start_date={DAYS[0]}&end_date={DAYS[1]}&per_page=100"
SUMMARY: Final = f"/workspaces/usage/summary?start_date={DAYS[0]}&end_date={DAYS[1]}&interval=none"

LARGE: Final = "12345678901234567890123456789012345678"
SMALL: Final = f"0.{'0' * 129}1"


def _item(id_: str, credits_: str, status: str = "succeeded") -> str:
    """Returns an item as JSON. Its texts have what a careless reader of numbers trips over."""
    return (
        f'{{"id":{id_},"created_at":"2026-11-05T19:35:21.000000Z","user_id":9223372036854775807,'
        f'"status":"{status}","email":"a\\"1.50\\\\","credits":{credits_},"name":"[1.0, \\u00e7]",'
        '"source":"current","tokens":null}'
    )


def _page(cursor: str, *items: str) -> Reply:
    return Reply(200, f'{{"items":[{",".join(items)}],"next_cursor":{cursor}}}')


def _summary(runs: int, succeeded: int, credits_: str) -> Reply:
    totals = f'"runs":{runs},"succeeded":{succeeded},"credits":{credits_}'
    return Reply(200, f'{{"totals":{{{totals}}}}}')


FIRST_PAGE: Final = _page('"c1"', _item("9223372036854775807", LARGE), _item("7", SMALL))
LAST_PAGE: Final = _page("null", _item('"chat-edited-7"', "-0.50"), _item("6", "0", "failed"))
SUM: Final = "12345678901234567890123456789012345677.5" + "0" * 128 + "1"
ROWS: Final = [
    f"2026-11-05T19:35:21.000000Z\t{id_}\t9223372036854775807\tcurrent\t{status}\t{credits_}"
    for id_, status, credits_ in (
        ("9223372036854775807", "succeeded", LARGE),
        ("7", "succeeded", SMALL),
        ("chat-edited-7", "succeeded", "-0.50"),
        ("6", "failed", "0"),
    )
]

UNAUTHENTICATED: Final = problem(401, "Unauthenticated.")
INVALID: Final = Reply(
    422,
    '{"message":"No. (and one more error)","errors":{"start_date":["No.","Nor this."],'
    '"end_date":["Not that."]}}',
)
TROUBLE: Final[Mapping[str, tuple[tuple[Reply, ...], dict[str, str]]]] = {
    "it recovers": (
        (
            problem(429, "Too many.", Retry_After="1"),
            FIRST_PAGE,
            problem(503, "Later.", Retry_After="0"),
            Reply(0),
            LAST_PAGE,
            problem(503, "Later.", Retry_After="0"),
            _summary(4, 3, SUM),
        ),
        {},
    ),
    "the sums differ": ((LAST_PAGE, _summary(2, 1, "-0.51")), {}),
    "it goes on refusing": ((problem(503, "Later.", Retry_After="0"),), {}),
    "it stops in between": ((FIRST_PAGE, problem(429, "Tomorrow.", Retry_After="3600")), {}),
    "it is continued": ((LAST_PAGE,), {"USAGE_CURSOR": "c1"}),
    "the token is refused": ((UNAUTHENTICATED,), {}),
    "the query is invalid": ((INVALID,), {}),
    "it is elsewhere": ((Reply(302, "<p>Moved</p>", {"Location": "/elsewhere"}),), {}),
    "no token is set": ((UNAUTHENTICATED,), {"USAGE_TOKEN": ""}),
}
"""What the API replies, and other variables of the environment, by what happens."""


type Outcomes = Callable[[Program, str], Outcome]


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Outcomes]:
    """How each program ended in each trouble. All run at the same time, since they wait."""
    with ThreadPoolExecutor(max_workers=len(PROGRAMS) * len(TROUBLE)) as pool:
        futures: dict[tuple[Program, str], Future[Outcome]] = {
            (program, name): pool.submit(_run_in_trouble, program, name)
            for name in TROUBLE
            for program in PROGRAMS
            if program.can_run()
        }
        yield lambda program, name: futures[program, name].result()


def _run_in_trouble(program: Program, name: str) -> Outcome:
    replies, variables = TROUBLE[name]
    with PreparedApi(*replies) as api:
        Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        outcome = program.run(api.url, **variables)
        api.shutdown()
    return Outcome(outcome.status, outcome.rows, outcome.messages, api.received)


@each_program
def test_a_refused_request_is_made_again(program: Program, outcomes: Outcomes) -> None:
    """After 429 and 503, not before Retry-After, and if there is no answer; numbers are exact."""
    need(program)
    outcome = outcomes(program, "it recovers")
    assert outcome.messages.splitlines() == [
        f"The listing: 4 runs, 3 succeeded, {SUM} credits",
        "The summary has the same sums.",
    ]
    assert outcome.rows.splitlines() == ROWS
    assert outcome.status == 0
    next_page = f"{LISTING}&cursor=c1"
    assert outcome.paths == [LISTING, LISTING, *[next_page] * 3, SUMMARY, SUMMARY]
    first, second, *_ = outcome.received
    assert second.moment - first.moment >= 1
    for request in outcome.received:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-workspace-id"] == "11"
        assert "gzip" in request.headers["accept-encoding"]


@each_program
def test_different_sums_are_told(program: Program, outcomes: Outcomes) -> None:
    """The exit code is 2."""
    need(program)
    outcome = outcomes(program, "the sums differ")
    assert "The listing: 2 runs, 1 succeeded, -0.5 credits\n" in outcome.messages
    assert "The summary differs: " in outcome.messages
    assert "-0.51" in outcome.messages
    assert outcome.status == 2


@each_program
def test_attempts_are_bounded(program: Program, outcomes: Outcomes) -> None:
    """Six for one request."""
    need(program)
    outcome = outcomes(program, "it goes on refusing")
    assert outcome.messages == f"HTTP 503: Later. (request id {REQUEST_ID})\n"
    assert outcome.paths == [LISTING] * 6
    assert outcome.status == 1


@each_program
def test_a_walk_that_stopped_can_be_continued(program: Program, outcomes: Outcomes) -> None:
    """The program doesn't wait an hour. It prints the cursor, and then begins there."""
    need(program)
    stopped = outcomes(program, "it stops in between")
    assert stopped.messages.splitlines() == [
        f"HTTP 429: Tomorrow. (request id {REQUEST_ID})",
        f"Stopped after 2 runs, {LARGE}.{SMALL[2:]} credits.",
        "To continue: USAGE_CURSOR=c1",
    ]
    assert (stopped.rows.splitlines(), stopped.status) == (ROWS[:2], 1)
    continued = outcomes(program, "it is continued")
    assert continued.messages == "From the cursor on: 2 runs, 1 succeeded, -0.5 credits\n"
    assert continued.paths == [f"{LISTING}&cursor=c1"]
    assert (continued.rows.splitlines(), continued.status) == (ROWS[2:], 0)


@each_program
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("the token is refused", f"HTTP 401: Unauthenticated. (request id {REQUEST_ID})"),
        ("the query is invalid", f"HTTP 422: No. Nor this. Not that. (request id {REQUEST_ID})"),
    ],
)
def test_an_error_of_the_caller_ends_the_program(
    program: Program, outcomes: Outcomes, name: str, message: str
) -> None:
    """At once, with status, message and request id, and the exit code 1."""
    need(program)
    outcome = outcomes(program, name)
    assert outcome.messages == f"{message}\n"
    assert (outcome.rows, outcome.paths, outcome.status) == ("", [LISTING], 1)


@each_program
def test_a_token_is_not_sent_elsewhere(program: Program, outcomes: Outcomes) -> None:
    """A redirect is an error."""
    need(program)
    outcome = outcomes(program, "it is elsewhere")
    assert outcome.messages.startswith("HTTP 302: ")
    assert (outcome.paths, outcome.status) == ([LISTING], 1)


@each_program
def test_a_setting_that_is_missing_is_named(program: Program, outcomes: Outcomes) -> None:
    """Before anything is asked."""
    need(program)
    outcome = outcomes(program, "no token is set")
    assert outcome.messages == "Set the environment variable USAGE_TOKEN.\n"
    assert (outcome.paths, outcome.status) == ([], 1)


@each_program
def test_the_token_is_never_printed(program: Program, outcomes: Outcomes) -> None:
    need(program)
    for name in TROUBLE:
        outcome = outcomes(program, name)
        assert TOKEN not in outcome.rows + outcome.messages
