"""Lambda's Invoke API, so that the functions can be asked without the gateway.

``aws lambda invoke --endpoint-url http://127.0.0.1:3000 --function-name UsageFunction ...`` reaches
it. Functions answer to their logical id, their name and their ARN.
"""

import json
from collections.abc import Iterable
from typing import Final, NoReturn
from urllib.parse import unquote

from local.exchange import Request, Response
from local.functions import Function, NoAnswer

PREFIX: Final = "/2015-03-31/functions/"
_SUFFIX: Final = "/invocations"
_JSON: Final = ("Content-Type", "application/json")


class InvokeApi:
    """The Invoke API of some functions; invocations wait for their answer."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {
            name: function
            for function in functions
            for name in (function.setup.logical_id, function.setup.name, function.setup.arn)
        }

    def handle(self, request: Request) -> Response:
        """What Lambda answers to a request whose path begins with ``PREFIX``."""
        name = unquote(request.path.removeprefix(PREFIX).removesuffix(_SUFFIX))
        if request.method != "POST" or not request.path.endswith(_SUFFIX):
            return _refusal(404, "ResourceNotFoundException", "Only invocations are served here")
        if name not in self._functions:
            return _refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        event = request.body or "{}"
        try:
            json.loads(event, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            return _refusal(400, "InvalidRequestContentException", f"No JSON: {error}")
        try:
            # As it was sent: what is parsed and written again has other numbers.
            answer = self._functions[name].invoke(event.encode())
        except (NoAnswer, OSError):
            return _refusal(503, "ServiceException", f"{name} can't be run")
        headers = (_JSON, ("X-Amz-Executed-Version", "$LATEST"))
        response = Response(200, headers, answer.payload)
        return response.adding(("X-Amz-Function-Error", "Unhandled")) if answer.failed else response


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refusal(status: int, kind: str, message: str) -> Response:
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Response(status, (_JSON, ("x-amzn-ErrorType", kind)), body)
