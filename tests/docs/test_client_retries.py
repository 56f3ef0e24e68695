"""The programs of docs/clients.md retry, stop and continue as the page says."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from typing import Final

import pytest

from tests.docs.client_programs import PROGRAMS, Outcome, Program, can_run, each_program, need
from tests.docs.prepared_api import REQUEST_ID, PreparedApi, Reply, problem

TOKEN: Final = "7|not-to-be-shown"
DAYS: Final = ("2026-11-01", "2026-11-30")
LISTING: Final = f"/workspaces/usage?start_date={DAYS[0]}&end_date={DAYS[1]}&per_page=100"
SUMMARY: Final = f"/workspaces/usage/summary?start_date={DAYS[0]}&end_date={DAYS[1]}&interval=none"

LARGE: Final = "12345678901234567890123456789012345678"
SMALL: Final = f"0.{'0' * 129}{LARGE}"
"""The least that credits can be, and as many digits as they can have."""


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
SUM: Final = f"12345678901234567890123456789012345677.5{'0' * 128}{LARGE}"
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
            if can_run(program)
        }
        yield lambda program, name: futures[program, name].result()


def _run_in_trouble(program: Program, name: str) -> Outcome:
    replies, variables = TROUBLE[name]
    with PreparedApi(*replies) as api:
        Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        outcome = program.run(api.url, TOKEN, DAYS, **variables)
        api.shutdown()
    return replace(outcome, received=tuple(api.received))


@each_program
def test_a_refused_request_is_made_again(program: Program, outcomes: Outcomes) -> None:
    """After 429 and 503, not before Retry-After, and if there is no answer; numbers are exact."""
    need(program)
    outcome = outcomes(program, "it recovers")
    assert outcome.messages.splitlines() == [
        f"The listing: 4 runs, 3 succeeded, {SUM} credits",
        f"The summary: 4 runs, 3 succeeded, {SUM} credits",
        "They are equal.",
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
    assert outcome.messages.splitlines() == [
        "The listing: 2 runs, 1 succeeded, -0.5 credits",
        "The summary: 2 runs, 1 succeeded, -0.51 credits",
        "They differ.",
    ]
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
        f"So far: 2 runs, 2 succeeded, {LARGE}.{SMALL[2:]} credits",
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
