"""Which part of the stack answers a request: an API of this machine, or else the gateway."""

import json
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from local.exchange import Request, Response
from local.gateway import Gateway
from local.invoke_api import PREFIX, too_large
from local.log import Log, Served
from local.responses import JSON, Failure
from local.routes import Clock
from usagectl.local_endpoint import DESCRIPTION_PATH

_FAILED: Final = json.dumps({"message": "the local stack failed; its log says why"}).encode()


class LocalApi(Protocol):
    """An API that a deployment has elsewhere, or not at all."""

    def handles(self, request: Request) -> bool:
        """Whether a request is for this API."""

    def handle(self, request: Request) -> Response:
        """The answer to a request that it handles."""


class Router:
    """Answers every request.

    Args:
        gateway: answers what no other part does.
        local_apis: are asked before the gateway.
        described: what the stack is made of.
        log: is told of each request; of the gateway's it is told by the gateway.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        gateway: Gateway,
        local_apis: Sequence[LocalApi],
        described: Response,
        log: Log,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._local_apis = local_apis
        self._described = described
        self._log = log
        self._clock = clock

    def handle(self, request: Request) -> Response:
        """The answer to a request, whatever it is."""
        started = self._clock()
        response = self._answer_locally(request)
        if response is None:
            return self._gateway.handle(request)
        milliseconds = int((self._clock() - started) * 1000)
        self._log.request(Served(request.method, request.target, response.status, milliseconds))
        return response

    def refuse(self, request: Request, failure: Failure) -> Response:
        """The answer to a request that was no good before it got here, in its API's own words."""
        if failure.status == HTTPStatus.CONTENT_TOO_LARGE and request.path.startswith(PREFIX):
            return too_large()
        return self._gateway.refuse(request, failure)

    def _answer_locally(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", DESCRIPTION_PATH):
            return self._described
        try:
            for api in self._local_apis:
                if api.handles(request):
                    return api.handle(request)
        except Exception:  # noqa: BLE001 - the outermost edge: the client gets an answer
            self._log.note(traceback.format_exc())
            return Response(500, (JSON,), _FAILED)
        return None
