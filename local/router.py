"""Passes each request to the part of the stack that answers it: a local API, or the gateway."""

import json
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from local.clock import Clock
from local.exchange import JSON, Request, Response
from local.functions.invoke_api import FUNCTIONS_PATH
from local.functions.refusals import refuse_size
from local.gateway.gateway import Gateway
from local.gateway.responses import Failure
from local.log import Log, ServedRequest
from usagectl.local_endpoint import DESCRIPTION_PATH

_CRASHED: Final = json.dumps({"message": "the local stack failed; its log says why"}).encode()


class LocalApi(Protocol):
    """An API that a deployment has at another address, or doesn't have."""

    def handles(self, request: Request) -> bool:
        """Whether a request is for this API."""

    def handle(self, request: Request) -> Response:
        """Returns the response to a request that this API handles."""


class Router:
    """Answers every request.

    Args:
        gateway: answers all requests that no local API handles.
        local_apis: take precedence over the gateway.
        description: the response that describes the stack.
        log: takes an entry for each request; the gateway writes those of its own requests.
        clock: the time, for the log.
    """

    def __init__(
        self,
        gateway: Gateway,
        local_apis: Sequence[LocalApi],
        description: Response,
        log: Log,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._local_apis = local_apis
        self._description = description
        self._log = log
        self._clock = clock

    def handle(self, request: Request) -> Response:
        """Returns the response to any request."""
        started = self._clock()
        response = self._answer_locally(request)
        if response is None:
            return self._gateway.handle(request)
        milliseconds = int((self._clock() - started) * 1000)
        self._log.request(
            ServedRequest(request.method, request.target, response.status, milliseconds)
        )
        return response

    def refuse(self, request: Request, failure: Failure) -> Response:
        """Returns the response to a request that the HTTP server refuses, in its API's format."""
        if failure.status == HTTPStatus.CONTENT_TOO_LARGE and request.path.startswith(
            FUNCTIONS_PATH
        ):
            return refuse_size()
        return self._gateway.refuse(request, failure)

    def _answer_locally(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", DESCRIPTION_PATH):
            return self._description
        try:
            for api in self._local_apis:
                if api.handles(request):
                    return api.handle(request)
        except Exception:  # noqa: BLE001 - the outermost edge: the client gets an answer
            self._log.note(traceback.format_exc())
            return Response(500, (JSON,), _CRASHED)
        return None
