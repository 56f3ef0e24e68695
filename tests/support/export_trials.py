"""Trials with exports, behind the harness's proxy: starting one, and writing its file."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from tests.support.functions import Context
from tests.support.harness import COUNTED_WORKSPACE, ROWS, Harness, Trial
from tests.support.usage import proxy_event
from workspace_usage.errors import StoreUnavailable

PATH: Final = "/workspaces/usage/exports"
USERS: Final = count(5_000)
"""Users who have started no export yet, since a user may have only two running."""


def ask(harness: Harness, user_id: int, **request: Any) -> Any:
    """Sends a request to the exports function.

    Returns the status and the body of its answer, or None if the store is unavailable.

    Args:
        harness: the harness.
        user_id: the caller, who sees everyone.
        request: fields of the proxy event.
    """
    context = {"user_id": f"{user_id}", "workspace_id": f"{COUNTED_WORKSPACE}", "sees": "everyone"}
    event = {**proxy_event(context, workspace=f"{COUNTED_WORKSPACE}"), "path": PATH, **request}
    try:
        response = harness.functions["exports"].lambda_handler(event, Context())
    except StoreUnavailable:
        return None
    return response["statusCode"], json.loads(response["body"])


def start(harness: Harness, user_id: int) -> Any:
    """Asks for an export of all rows; returns what ``ask`` returns."""
    return ask(harness, user_id, httpMethod="POST", body='{"range": "30d", "format": "ndjson"}')


def read(harness: Harness, user_id: int, export_id: str) -> Any:
    """Asks how an export stands; returns what ``ask`` returns."""
    return ask(harness, user_id, pathParameters={"id": export_id})


def write(
    harness: Harness, user_id: int, export_id: str, remaining: tuple[int, ...] = (300_000,)
) -> bool:
    """Sends an export to the exporter; returns whether its message needs no retry."""
    names: Mapping[str, object] = {
        "workspace_id": COUNTED_WORKSPACE,
        "user_id": user_id,
        "export_id": export_id,
    }
    record = {
        "messageId": "m",
        "body": json.dumps(names),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    response = harness.functions["exporter"].lambda_handler(
        {"Records": [record]}, Context(remaining=[*remaining])
    )
    return not response["batchItemFailures"]


def started_export(harness: Harness) -> Trial:
    """Starts an export. Starts that seemed to fail take no place of the two that may run."""
    user_id = next(USERS)

    def trial() -> bool:
        messages = harness.count_messages("Exports")
        response = start(harness, user_id)
        if response is None:
            return False
        assert (response[0], response[1]["status"]) == (202, "running")
        assert harness.count_messages("Exports") > messages
        return True

    return trial


def found_export(harness: Harness) -> Trial:
    """Asks how an export stands that was started before."""
    user_id = next(USERS)
    export_id = start(harness, user_id)[1]["id"]

    def trial() -> bool:
        response = read(harness, user_id, export_id)
        assert response is None or (response[0], response[1]["status"]) == (200, "running")
        return response is not None

    return trial


def written_export(harness: Harness) -> Trial:
    """Writes the file of an export that was started before."""
    user_id = next(USERS)
    export_id = start(harness, user_id)[1]["id"]

    def trial() -> bool:
        if not write(harness, user_id, export_id):
            return False
        status, body = read(harness, user_id, export_id)
        assert (status, body["status"], body["rows"]) == (200, "done", ROWS)
        return True

    return trial


def continued_export(harness: Harness) -> Trial:
    """Asks for another run, because there is no time to write a part."""
    user_id = next(USERS)
    export_id = start(harness, user_id)[1]["id"]
    time_for_a_part = harness.functions["exporter"].TIME_FOR_A_PART

    def trial() -> bool:
        messages = harness.count_messages("Exports")
        if not write(harness, user_id, export_id, (time_for_a_part + 1, time_for_a_part)):
            return False
        assert harness.count_messages("Exports") > messages
        return True

    return trial
