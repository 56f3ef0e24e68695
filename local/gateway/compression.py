"""Compression of responses, for clients that accept it.

The API Gateway developer guide describes it, "Payload compression for REST APIs": a response of an
integration is compressed if it is large enough, if it has no ``Content-Encoding`` yet, and if the
coding that the client prefers is one that API Gateway supports. ``*`` names no coding.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from local.exchange import Request, Response

_CODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "deflate": zlib.compress,
}
_WEIGHT: Final = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def compress(response: Response, request: Request, minimum: int | None) -> Response:
    """Returns a response as it is sent for a request.

    Args:
        response: the response of the integration.
        request: the request, which may say what its client accepts.
        minimum: the least number of bytes that are compressed, or None if none are.
    """
    if minimum is None or not response.body or len(response.body) < minimum:
        return response
    if any(name.lower() == "content-encoding" for name, _ in response.headers):
        return response
    accepted = [value for name, value in request.headers if name.lower() == "accept-encoding"]
    coding = _preferred(",".join(accepted))
    if coding not in _CODERS:
        return response
    body = _CODERS[coding](response.body)
    return Response(response.status, (*response.headers, ("Content-Encoding", coding)), body)


def _preferred(accept_encoding: str) -> str:
    """Returns the coding with the greatest weight, the first one of several, or an empty text."""
    weights = {
        coding.strip().lower(): _weight(parameters)
        for coding, _, parameters in (part.partition(";") for part in accept_encoding.split(","))
    }
    coding = max(weights, key=lambda name: weights[name])
    return coding if weights[coding] > 0 else ""


def _weight(parameters: str) -> float:
    """Returns a coding's weight: 1 if it has none, and 0 if it is not one of HTTP's."""
    if not parameters.strip():
        return 1.0
    match = _WEIGHT.fullmatch(parameters.strip())
    return float(match[1]) if match else 0.0
