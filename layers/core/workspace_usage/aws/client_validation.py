"""Makes botocore's clients reject damaged responses, on every attempt of a call.

botocore emits the event ``before-send`` before each attempt. A handler may make the attempt itself
and return the response. If the handler raises an error, botocore retries the call as it does after
a broken connection. The handler here lets botocore's HTTP session send the request, receives the
body, and validates the response (``validation``).
"""

import json
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

from botocore.exceptions import HTTPClientError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from workspace_usage.aws.http1 import Response
from workspace_usage.aws.validation import (
    DamagedResponse,
    required_parameters,
    validate_response,
)

_VALIDATED_SERVICES: Final = ("dynamodb", "events", "sqs", "ssm")
"""The services whose responses are validated: those that speak JSON. S3's client has checks of its
own, and damaged XML is an error to botocore."""


def reject_damaged_responses(client: Any) -> None:
    """Makes an attempt of one of the client's calls fail if its response is damaged.

    If the last attempt of a call fails like this, the call raises an ``HTTPClientError`` whose
    cause is a ``DamagedResponse``. Receiving a body takes no longer than the client's
    ``read_timeout`` in all. Before the body, while connecting and receiving the head, only
    botocore's time-outs apply: they limit the wait for each piece.
    """
    service = client.meta.service_model
    if service.service_name not in _VALIDATED_SERVICES:
        return
    http_session = client._endpoint.http_session  # noqa: SLF001 - botocore sends with nothing else
    body_seconds = client.meta.config.read_timeout

    def add_parameters(params: dict[str, Any], model: Any, **_: object) -> None:
        # The caller's own parameters come last: they may ask for the same in more detail.
        params.update({**required_parameters(model.name), **params})

    def send(request: Any, event_name: str, **_: object) -> Any:
        deadline = monotonic() + body_seconds
        request.stream_output = True
        response = http_session.send(request)
        operation = event_name.rpartition(".")[2]
        try:
            body = _receive_body(response.raw, deadline)
            headers = {name.lower(): value for name, value in response.headers.items()}
            validate_response(
                service.service_name,
                operation,
                lambda: json.loads(request.body),
                Response(response.status_code, headers, body),
            )
        except DamagedResponse as error:
            response.raw.close()
            raise HTTPClientError(error=f"the response to {operation} {error}") from error
        response.raw = _ReceivedBody(body)
        return response

    name = service.service_id.hyphenize()
    client.meta.events.register(f"before-parameter-build.{name}", add_parameters)
    client.meta.events.register(f"before-send.{name}", send)


def _receive_body(raw: Any, deadline: float) -> bytes:
    """Returns the body of urllib3's response ``raw``.

    Raises:
        DamagedResponse: the body breaks off, or is incomplete at the deadline (monotonic clock).
    """
    pieces: list[bytes] = []
    try:
        while (seconds_left := deadline - monotonic()) > 0:
            # Once the whole body has arrived, urllib3 has released the connection.
            if raw.connection is not None and raw.connection.sock is not None:
                raw.connection.sock.settimeout(seconds_left)
            piece = raw.read1()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    except ReadTimeoutError:
        pass
    except HTTPError:
        raise DamagedResponse("breaks off") from None
    raise DamagedResponse("is too slow")


class _ReceivedBody:
    """A body that has been received, in the form in which botocore expects one from urllib3."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """Yields the body in one piece."""
        yield self._content
