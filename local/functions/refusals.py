"""The errors of Lambda's own APIs."""

import json

from local.exchange import JSON, Response
from local.functions.invocation import MAX_EVENT_BYTES


def refuse(status: int, kind: str, message: str) -> Response:
    """Returns the response of Lambda's API to a request that it refuses."""
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Response(status, (JSON, ("x-amzn-ErrorType", kind)), body)


def refuse_size() -> Response:
    """Returns the response of the Invoke API to an event that is too large."""
    message = (
        f"Request must be smaller than {MAX_EVENT_BYTES} bytes for the InvokeFunction operation"
    )
    return refuse(413, "RequestEntityTooLargeException", message)
