"""The log: a line for each request, warnings and errors of functions, and no secrets."""

import json
import re

import pytest

from local.log import MAX_TARGET_LENGTH, JsonLog, ServedRequest, TextLog

TIME = re.compile(r"\d\d:\d\d:\d\d ")


def told(name: str, *lines: str) -> list[str]:
    """What ``TextLog`` writes for a function's lines, without the time of day."""
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
    """Unknown values are left out, and a long path is cut."""
    written: list[str] = []
    TextLog(written.append).request(served)
    (only,) = written
    assert TIME.match(only)
    assert TIME.sub("", only, count=1) == line


def test_the_text_log_shows_only_warnings_and_errors_of_structured_lines() -> None:
    """With the reason, if there is one. All other lines of a function are shown."""
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


def test_the_json_log_shows_every_line_unchanged() -> None:
    """The stage's access log, and the lines of functions."""
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
