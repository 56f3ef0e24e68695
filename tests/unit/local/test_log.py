"""The log: one line a request, what functions complain about, and nothing that should be secret."""

import json
import re

import pytest

from local.log import MAX_TARGET_LENGTH, JsonLog, ServedRequest, TextLog

TIME = re.compile(r"\d\d:\d\d:\d\d ")


def told(name: str, *lines: str) -> list[str]:
    """What ``TextLog`` writes of a function's lines, without the time of day."""
    written: list[str] = []
    log = TextLog(written.append)
    for line in lines:
        log.function(name, line)
    assert all(TIME.match(line) for line in written)
    return [TIME.sub("", line, count=1) for line in written]


@pytest.mark.parametrize(
    ("served", "line"),
    [
        (
            ServedRequest("GET", "/workspaces/usage?range=7d", 200, 12, "1", "11", "miss"),
            "GET /workspaces/usage?range=7d 200 12 ms user 1 workspace 11 cache miss",
        ),
        (ServedRequest("GET", "/workspaces/usage", 401, 3), "GET /workspaces/usage 401 3 ms"),
        (ServedRequest("GET", "/a?x=1|secret&y=2", 401, 3), "GET /a?x=…&y=2 401 3 ms"),
        (ServedRequest("GET", "/a?x=1%7csecret", 401, 3), "GET /a?x=… 401 3 ms"),
        (
            ServedRequest("GET", "/" + "a" * MAX_TARGET_LENGTH, 404, 0),
            f"GET /{'a' * (MAX_TARGET_LENGTH - 1)}… 404 0 ms",
        ),
    ],
)
def test_a_request_is_one_line_without_a_token(served: ServedRequest, line: str) -> None:
    """What is not known is left out, and what is too long is cut."""
    written: list[str] = []
    TextLog(written.append).request(served)
    (only,) = written
    assert TIME.match(only)
    assert TIME.sub("", only, count=1) == line


def test_of_structured_lines_people_see_warnings_and_errors() -> None:
    """With the reason, where there is one; of anything else that a function prints, all."""
    entries = [
        {"level": "INFO", "message": "answered", "RowsRead": 3},
        {"_aws": {"Timestamp": 1}, "RowsRead": [3]},
        {"level": "WARNING", "message": "rejected", "reason": "detail: field required"},
        {"level": "ERROR", "message": "failed", "exception": "Traceback:\n  here"},
        {"printed": "by a developer"},
    ]
    assert told("Recorder", *(json.dumps(entry) for entry in entries), "plain", "", "[1]") == [
        "Recorder warning: rejected: detail: field required",
        "Recorder error: failed",
        "Recorder Traceback:",
        "Recorder   here",
        'Recorder {"printed": "by a developer"}',
        "Recorder plain",
        "Recorder [1]",
    ]


def test_as_json_every_line_is_there_as_it_was_written() -> None:
    """The stage's access log, and what functions wrote."""
    written: list[str] = []
    log = JsonLog(written.append)
    log.request(ServedRequest("GET", "/a", 200, 1, access_line='{"status":"200"}'))
    log.request(ServedRequest("POST", "/_local/events", 200, 1))
    log.function("Usage", '{"level":"INFO"}')
    log.note("started")
    assert written == [
        'Api  {"status":"200"}',
        "Api  POST /_local/events 200 1 ms",
        'Usage  {"level":"INFO"}',
        "started",
    ]
