"""The two ids of a request, which are in its response and in the logs.

The API Gateway developer guide describes them, "Access logging for REST APIs".
"""

import base64
import os
import re
import uuid
from typing import Final

from local.exchange import Request

REQUEST_ID_HEADER: Final = "x-amzn-RequestId"
EXTENDED_REQUEST_ID_HEADER: Final = "x-amz-apigw-id"

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def choose_request_id(request: Request) -> str:
    """Returns the UUID that the client has chosen as the request's id, or a new one."""
    name = REQUEST_ID_HEADER.lower()
    chosen = [value for header, value in request.headers if header.lower() == name]
    return chosen[-1] if chosen and _UUID.fullmatch(chosen[-1]) else str(uuid.uuid4())


def make_extended_request_id() -> str:
    """Returns an id that no client can choose."""
    return base64.b64encode(os.urandom(11)).decode()
