"""Lambda's API of event source mappings: shows them, and pauses and resumes them.

``usagectl recorder pause`` reaches it, and ``aws lambda update-event-source-mapping
--endpoint-url http://127.0.0.1:3000 --uuid ... --no-enabled``.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from local.events.poller import QueuePoller
from local.exchange import JSON, Request, Response
from local.functions.refusals import refuse
from workspace_usage.values import InvalidValue, parse_json

MAPPINGS_PATH: Final = "/2015-03-31/event-source-mappings"


class MappingsApi:
    """The event source mappings of a stack."""

    def __init__(self, sources: Iterable[QueuePoller]) -> None:
        self._sources = {source.mapping.uuid: source for source in sources}

    def handles(self, request: Request) -> bool:
        """Whether a request is for this API."""
        return request.path == MAPPINGS_PATH or request.path.startswith(f"{MAPPINGS_PATH}/")

    def handle(self, request: Request) -> Response:
        """What Lambda answers to a request for this API."""
        uuid = unquote(request.path.removeprefix(MAPPINGS_PATH).removeprefix("/"))
        if not uuid and request.method == "GET":
            return self._list(parse_qs(request.query))
        source = self._sources.get(uuid)
        if source is None:
            return refuse(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        if request.method == "GET":
            return _respond(200, _described(source))
        if request.method == "PUT":
            return _update(source, request.content)
        return refuse(
            404, "ResourceNotFoundException", "Mappings can only be read and updated here"
        )

    def _list(self, parameters: Mapping[str, list[str]]) -> Response:
        """Those of a function or of a queue, where the request names one."""
        functions = set(parameters.get("FunctionName", ()))
        queues = set(parameters.get("EventSourceArn", ()))
        found = [
            _described(source)
            for source in self._sources.values()
            if not functions or functions & _names(source)
            if not queues or source.mapping.queue_arn in queues
        ]
        return _respond(200, {"EventSourceMappings": found})


def _names(source: QueuePoller) -> set[str]:
    """What a request may call the function."""
    arn = source.mapping.function_arn
    return {source.mapping.function, arn, arn.rpartition(":")[2]}


def _update(source: QueuePoller, content: bytes) -> Response:
    """Pauses or resumes; anything else that Lambda could change is refused."""
    try:
        wanted = parse_json(content)
    except InvalidValue as error:
        return refuse(400, "InvalidRequestContentException", f"The request {error}")
    match wanted:
        case {"Enabled": bool(enabled), **others} if not others:
            source.enable(enabled)
            return _respond(202, _described(source))
    return refuse(
        400, "InvalidParameterValueException", "Only Enabled, true or false, is changed here"
    )


def _described(source: QueuePoller) -> dict[str, Any]:
    mapping = source.mapping
    return {
        "UUID": mapping.uuid,
        "BatchSize": mapping.batch_size,
        "EventSourceArn": mapping.queue_arn,
        "FunctionArn": mapping.function_arn,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.reports_failures else [],
        "State": source.state,
    }


def _respond(status: int, content: object) -> Response:
    return Response(status, (JSON,), json.dumps(content).encode())
