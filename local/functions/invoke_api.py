"""Lambda's Invoke API, which invokes functions without the gateway.

``aws lambda invoke --endpoint-url http://127.0.0.1:3000 --function-name UsageFunction ...`` reaches
it. A function is named by its logical id, its name or its ARN; a version or an alias may follow it,
or be in the query's ``Qualifier``. All versions run the same code.
"""

import json
from collections.abc import Iterable
from typing import Final, NoReturn
from urllib.parse import parse_qs, unquote

from local.exchange import JSON, Request, Response
from local.functions.function import Function
from local.functions.invocation import MAX_EVENT_BYTES, NoResult
from local.functions.refusals import refuse, refuse_size

FUNCTIONS_PATH: Final = "/2015-03-31/functions/"
_SUFFIX: Final = "/invocations"


class InvokeApi:
    """The Invoke API of some functions, for synchronous invocations only."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, tuple[Function, str]] = {}
        for function in functions:
            configuration = function.configuration
            for arn, version in configuration.versions.items():
                qualifier = arn.removeprefix(configuration.arn)
                for name in (configuration.logical_id, configuration.name, configuration.arn):
                    self._functions[f"{name}{qualifier}"] = function, version
                    self._functions[f"{name}:{version}"] = function, version

    def handles(self, request: Request) -> bool:
        """Whether a request is for this API."""
        return request.path.startswith(FUNCTIONS_PATH)

    def handle(self, request: Request) -> Response:
        """Returns Lambda's response to a request that this API handles."""
        name = unquote(request.path.removeprefix(FUNCTIONS_PATH).removesuffix(_SUFFIX))
        if request.method != "POST" or not request.path.endswith(_SUFFIX):
            return refuse(404, "ResourceNotFoundException", "Only invocations are served here")
        kinds = {v for name, v in request.headers if name.lower() == "x-amz-invocation-type"}
        if kinds - {"RequestResponse"}:
            return refuse(
                400, "InvalidParameterValueException", "Only RequestResponse is served here"
            )
        for qualifier in parse_qs(request.query).get("Qualifier", ()):
            name = f"{name.removesuffix(f':{qualifier}')}:{qualifier}"
        if name not in self._functions:
            return refuse(404, "ResourceNotFoundException", f"Function not found: {name}")
        function, version = self._functions[name]
        event = request.content or b"{}"
        if len(event) > MAX_EVENT_BYTES:
            return refuse_size()
        if reason := _json_error(event):
            message = f"Could not parse request body into json: {reason}"
            return refuse(400, "InvalidRequestContentException", message)
        try:
            # Not parsed and written again: numbers could lose digits.
            result = function.invoke(event)
        except (NoResult, OSError):
            return refuse(503, "ServiceException", f"{name} can't be run")
        headers = (JSON, ("X-Amz-Executed-Version", version))
        response = Response(200, headers, result.payload)
        return (
            response.with_headers(("X-Amz-Function-Error", "Unhandled"))
            if result.is_error
            else response
        )


def _json_error(event: bytes) -> str | None:
    """Returns the reason why ``event`` is not JSON, or None if it is.

    Numbers only have to look like numbers: whether Python can read them is for the function's
    runtime to find out, as in Lambda.
    """
    try:
        json.loads(
            event.decode("utf-8-sig"),
            parse_int=str,
            parse_float=str,
            parse_constant=_reject_constant,
        )
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return None


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
