"""What Lambda's own APIs answer to a request that they refuse."""

import json

from local.exchange import JSON, Response
from local.functions.invocation import MAX_EVENT_BYTES


def refuse(status: int, kind: str, message: str) -> Response:
    """The answer of Lambda's own API to a request that it refuses."""
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Response(status, (JSON, ("x-amzn-ErrorType", kind)), body)


def refuse_size() -> Response:
    """What Lambda answers to an event that is too large for it."""
    message = (
        f"Request must be smaller than {MAX_EVENT_BYTES} bytes for the InvokeFunction operation"
    )
    return refuse(413, "RequestEntityTooLargeException", message)
