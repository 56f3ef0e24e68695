"""Lambda's API for event source mappings: lists, shows, pauses and resumes them.

``usagectl recorder pause`` calls it, and so does ``aws lambda update-event-source-mapping
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
    """The API for the event source mappings of a stack, each with its poller."""

    def __init__(self, pollers: Iterable[QueuePoller]) -> None:
        self._pollers = {poller.mapping.uuid: poller for poller in pollers}

    def handles(self, request: Request) -> bool:
        """Whether a request is for this API."""
        return request.path == MAPPINGS_PATH or request.path.startswith(f"{MAPPINGS_PATH}/")

    def handle(self, request: Request) -> Response:
        """Returns Lambda's response to a request that this API handles."""
        uuid = unquote(request.path.removeprefix(MAPPINGS_PATH).removeprefix("/"))
        if not uuid and request.method == "GET":
            return self._list(parse_qs(request.query))
        poller = self._pollers.get(uuid)
        if poller is None:
            return refuse(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        if request.method == "GET":
            return _respond(200, _describe(poller))
        if request.method == "PUT":
            return _update(poller, request.content)
        return refuse(
            404, "ResourceNotFoundException", "Mappings can only be read and updated here"
        )

    def _list(self, parameters: Mapping[str, list[str]]) -> Response:
        """Lists the mappings, or those of the function or queue that the request names."""
        functions = set(parameters.get("FunctionName", ()))
        queues = set(parameters.get("EventSourceArn", ()))
        mappings = [
            _describe(poller)
            for poller in self._pollers.values()
            if not functions or functions & _names(poller)
            if not queues or poller.mapping.queue_arn in queues
        ]
        return _respond(200, {"EventSourceMappings": mappings})


def _names(poller: QueuePoller) -> set[str]:
    """Returns the names by which a request can mean the mapping's function."""
    arn = poller.mapping.function_arn
    return {poller.mapping.function, arn, arn.rpartition(":")[2]}


def _update(poller: QueuePoller, content: bytes) -> Response:
    """Pauses or resumes polling. Other changes, which Lambda could make, are refused."""
    try:
        wanted = parse_json(content)
    except InvalidValue as error:
        return refuse(400, "InvalidRequestContentException", f"The request {error}")
    match wanted:
        case {"Enabled": bool(is_enabled), **others} if not others:
            poller.set_enabled(is_enabled)
            return _respond(202, _describe(poller))
    return refuse(
        400, "InvalidParameterValueException", "Only Enabled, true or false, is changed here"
    )


def _describe(poller: QueuePoller) -> dict[str, Any]:
    mapping = poller.mapping
    return {
        "UUID": mapping.uuid,
        "BatchSize": mapping.batch_size,
        "EventSourceArn": mapping.queue_arn,
        "FunctionArn": mapping.function_arn,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.reports_failures else [],
        "State": poller.state,
    }


def _respond(status: int, content: object) -> Response:
    return Response(status, (JSON,), json.dumps(content).encode())
