"""What the functions' logs have in common: no event, nothing of an earlier one, cold starts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, Final

import pytest
from aws_lambda_powertools.metrics.provider import cold_start

from local.store.clients import Clients
from local.template.template import Template
from tests.support.authorizer import TOKEN_SECRET, put_token
from tests.support.counting import count_batch
from tests.support.functions import ROOT, Context
from tests.support.usage import EVERYONE, proxy_event

SECRET: Final = "s3cr3t-of-the-event"
EXPORT: Final = {"workspace_id": 11, "user_id": 1, "export_id": "gone"}
RECORDED: Final = (ROOT / "events" / "event-execution-recorded.json").read_text("utf-8")


def messages(*bodies: str) -> dict[str, Any]:
    """Returns a batch of messages."""
    attributes = {"ApproximateReceiveCount": "1"}
    return {
        "Records": [{"messageId": "m", "body": body, "attributes": attributes} for body in bodies]
    }


REFUSED: Final = proxy_event(EVERYONE, {"range": "5d"})
"""A request about a workspace."""

WITHOUT_WORKSPACE: Final = proxy_event(EVERYONE, workspace=None)
EVENTS: Final[Mapping[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "authorizer": (
        {"methodArn": "a", "headers": {"Authorization": f"Bearer 7|{TOKEN_SECRET}"}},
        {"methodArn": "a", "headers": {}},
    ),
    "usage": (REFUSED, WITHOUT_WORKSPACE),
    "summary": (REFUSED, WITHOUT_WORKSPACE),
    "exports": ({**REFUSED, "pathParameters": {"id": "gone"}}, WITHOUT_WORKSPACE),
    "exporter": (messages(json.dumps(EXPORT)), messages("?")),
    "counter": (count_batch(11), count_batch("?")),
    "recorder": (messages(RECORDED), messages("?")),
}
"""An event of each function, and one that is about no workspace."""


def run(function: ModuleType, event: Mapping[str, Any]) -> None:
    """Runs a function, which may fail."""
    with suppress(Exception):
        function.lambda_handler({**event, "unused": SECRET}, Context(remaining=[900_000]))


def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    """Yields the log lines and metrics that were printed last."""
    return map(json.loads, capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("name", EVENTS)
def test_a_log_has_no_events_and_each_line_is_about_its_own_request(
    name: str,
    request: pytest.FixtureRequest,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Even if Powertools is told to log events: they have tokens and personal data in them.

    The first event of an execution environment counts as a cold start.
    """
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    function, (event, next_event) = request.getfixturevalue(name), EVENTS[name]
    put_token(clients, template)
    monkeypatch.setattr(cold_start, "is_cold_start", True)
    run(function, event)
    first = [*lines(capsys)]
    run(function, next_event)
    second = [*lines(capsys)]
    assert SECRET not in json.dumps([first, second])
    assert [line["ColdStart"] for line in [*first, *second] if "ColdStart" in line] == [[1]]
    messages = [line for line in second if "message" in line]
    assert messages, "nothing was logged"
    for line in messages:
        assert not [field for field in line if field.endswith("workspace_id")]
