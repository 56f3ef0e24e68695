"""Examples of exports: the demo's answers, in which what differs from run to run is replaced.

That is the id, the moments, and the link's host and signature. In the document, an export always
has the same id and is asked for at the demo's moment. Everything else is what the demo answered.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.data.demo import ANA
from local.stack import Stack
from tools.openapi.examples import (
    DEMO_MOMENT,
    FIVE_DAYS,
    GET_EXPORT,
    START_EXPORT,
    ExampleAnswer,
    ExampleRequest,
    answers_of,
)
from workspace_usage.exporting.answer import Status
from workspace_usage.exporting.export import Owner
from workspace_usage.exporting.store import ExportStore
from workspace_usage.values import format_timestamp, parse_timestamp

EXPORT_ID: Final = "6f1f0c5e0a5b4c1f9d3e7b2a8c4d6e90"
"""The id of exports in the examples."""

_NOTE: Final = (
    "In this example, the id, the moments, and the link's host and signature are made up."
)
_HOST: Final = "s3.example.com"
_SIGNATURE: Final = {
    "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20261125/us-east-1/s3/aws4_request",
    "X-Amz-Date": "20261125T120000Z",
    "X-Amz-Signature": "41c1a9c5" * 8,
}

_LAST_DAYS: Final = ExampleRequest(
    "lastDays", "The last 30 days, as CSV", START_EXPORT, body={"range": "30d", "format": "csv"}
)
_ONE_USER: Final = ExampleRequest(
    "oneUser",
    "Five days of one user's chats, as NDJSON",
    START_EXPORT,
    body={**FIVE_DAYS, "user_id": 2, "type": "chat", "format": "ndjson"},
)
_THIRD: Final = ExampleRequest(
    "tooManyExports", "A third export while two are running", START_EXPORT, body=_LAST_DAYS.body
)
_PATIENCE_SECONDS: Final = 60
_PAUSE_SECONDS: Final = 0.1


def answers_about_exports(stack: Stack) -> Iterator[ExampleAnswer]:
    """Yields the answers of the demo's stack about exports that run, are done and have failed.

    Raises:
        TimeoutError: the stack does not finish an export.
    """
    ask = answers_of(stack.url)
    exports = ExportStore(stack.clients.dynamodb, stack.template.resources["ExportsTable"].name)
    ids = []
    for request in (_LAST_DAYS, _ONE_USER):
        started = ask(request)
        yield with_fixed_values(started)
        ids.append(started.body["id"])
        done = _wait(ask, ids[-1])
        # The demo finishes an export within a second, and makes none that fails. So that callers
        # see these states, they are stored.
        _set_status(exports, ids[-1], "running")
    yield with_fixed_values(done)
    yield ask(_THIRD)
    for export_id in ids:
        _set_status(exports, export_id, "failed")
    yield with_fixed_values(ask(_find(ids[-1], "failed", "An export that could not be made")))


def with_fixed_values(answer: ExampleAnswer) -> ExampleAnswer:
    """Returns an answer about an export without what differs from run to run."""
    body, request = answer.body, answer.request
    later = DEMO_MOMENT - parse_timestamp(body["created_at"])
    fixed: dict[str, Any] = {
        "id": EXPORT_ID,
        "created_at": format_timestamp(DEMO_MOMENT),
        "expires_at": format_timestamp(parse_timestamp(body["expires_at"]) + later),
        "link": body["link"] and _fixed_link(body["link"], body["id"]),
    }
    if request.path_parameters:
        request = replace(request, path_parameters={"id": EXPORT_ID})
    return replace(answer, request=replace(request, note=_NOTE), body={**body, **fixed})


def _fixed_link(link: str, export_id: str) -> str:
    url = urlsplit(link)
    query = urlencode([(n, _SIGNATURE.get(n, value)) for n, value in parse_qsl(url.query)])
    path = url.path.replace(export_id, EXPORT_ID)
    return url._replace(scheme="https", netloc=_HOST, path=path, query=query).geturl()


def _find(export_id: str, name: str, summary: str) -> ExampleRequest:
    return ExampleRequest(name, summary, GET_EXPORT, path_parameters={"id": export_id})


def _wait(ask: Callable[[ExampleRequest], ExampleAnswer], export_id: str) -> ExampleAnswer:
    """Returns the answer about an export as soon as it does not run any more.

    Raises:
        TimeoutError: it still runs after a minute.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = ask(_find(export_id, "done", "An export that is done"))
        if answer.body["status"] != "running":
            return answer
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"the export {export_id} is still running")


def _set_status(exports: ExportStore, export_id: str, status: Status) -> None:
    """Stores another status of one of Ana's exports."""
    export = exports.read(Owner(ANA.workspace_id, ANA.user_id), export_id)
    if export is None:
        raise LookupError(f"the export {export_id} is gone")
    exports.write(replace(export, status=status), datetime.now(UTC))
