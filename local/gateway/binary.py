"""Binary bodies: which requests and responses an API treats as binary.

The API Gateway developer guide describes it, "Binary media types for REST APIs". Functions get and
return binary bodies in base64.
"""

import base64
import re
from collections.abc import Iterable

from local.exchange import Request


class BinaryMediaTypes:
    """An API's ``binaryMediaTypes``.

    Args:
        types: such as ``font/woff2``; ``*`` stands for any text, so that ``*/*`` is every type.
    """

    def __init__(self, types: Iterable[str]) -> None:
        alternatives = (re.escape(kind.lower()).replace(r"\*", ".*") for kind in types)
        self._pattern = re.compile("|".join(alternatives) or r"(?!)")

    def is_request_binary(self, request: Request) -> bool:
        """Whether the function gets the request's body in base64; its ``Content-Type`` decides."""
        return bool(request.content) and self._includes(request, "content-type")

    def is_response_decoded(self, request: Request) -> bool:
        """Whether a body in base64 is decoded for the client; the first ``Accept`` type decides.

        Otherwise the client gets the base64 text.
        """
        return self._includes(request, "accept")

    def _includes(self, request: Request, header: str) -> bool:
        values = (value for name, value in request.headers if name.lower() == header)
        media_type = re.split("[,;]", next(values, "*/*"), maxsplit=1)[0].strip().lower()
        return self._pattern.fullmatch(media_type) is not None


def encode(content: bytes) -> str:
    """Returns a body in base64."""
    return base64.b64encode(content).decode()


def decode(text: str) -> bytes:
    """Returns the body in a base64 text.

    Raises:
        ValueError: it is not base64.
    """
    return base64.b64decode(text, validate=True)
