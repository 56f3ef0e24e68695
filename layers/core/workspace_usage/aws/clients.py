"""botocore's clients with limits: how long a service may take, and how often it is asked.

A caller waits for the answer, so a call gets a second to connect and three to answer, and is tried
three times in all, with botocore's backoff between. Importing botocore and making a client takes
longer than all the rest of a cold start: what only reads goes through ``reader``, and comes here
when its own attempt, the first of the three, has failed.

An attempt that brings a damaged answer has failed, too (``answers``). botocore lets a handler of
its event ``before-send`` make the attempt, and retries what that raises like a broken connection.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import HTTPClientError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from workspace_usage.aws.answers import DamagedAnswer, asked_besides, believed
from workspace_usage.aws.connections import ANSWER_SECONDS, CONNECT_SECONDS
from workspace_usage.aws.http1 import Response
from workspace_usage.aws.session import botocore_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ATTEMPTS: Final = 3
"""How often a call is tried in all."""

_CHECKED: Final = ("dynamodb", "events", "sqs", "ssm")
"""The services whose answers are checked: those that speak JSON. S3's client has checks of its own,
and XML that is damaged is an error to botocore."""


def dynamodb_client() -> "DynamoDBClient":
    """A DynamoDB client within the limits above."""
    client: DynamoDBClient = _client("dynamodb", ATTEMPTS)
    return client


def sqs_client() -> "SQSClient":
    """An SQS client within the limits above."""
    client: SQSClient = _client("sqs", ATTEMPTS)
    return client


def retry_call(service: str, operation: str, request: Mapping[str, Any]) -> Any:
    """Makes a call, such as ``Query`` of ``dynamodb``, whose first attempt was made elsewhere.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be made.
    """
    client = _client(service, ATTEMPTS - 1)
    return getattr(client, xform_name(operation))(**request)


@cache
def _client(service: str, attempts: int) -> Any:
    limits = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=10,
        tcp_keepalive=True,
    )
    client = botocore_session().create_client(service, config=limits)
    refuse_damaged(client)
    return client


def refuse_damaged(client: Any) -> None:
    """Has those attempts of a client's calls fail whose answers can't be believed (``answers``).

    A call of which all attempts fail raises an ``HTTPClientError`` whose cause is a
    ``DamagedAnswer``. An attempt may take as long as the client's ``read_timeout``; but what comes
    before the body, the connection and the head, may take so long for each piece of it.
    """
    service = client.meta.service_model
    if service.service_name not in _CHECKED:
        return
    http = client._endpoint.http_session  # noqa: SLF001 - nothing else sends
    seconds = client.meta.config.read_timeout

    def ask(params: dict[str, Any], model: Any, **_: object) -> None:
        # A caller may have asked for the same in more detail.
        params.update({**asked_besides(model.name), **params})

    def send(request: Any, event_name: str, **_: object) -> Any:
        deadline = monotonic() + seconds
        request.stream_output = True
        response = http.send(request)
        operation = event_name.rpartition(".")[2]
        try:
            body = _read(response.raw, deadline)
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Response(response.status_code, headers, body)
            believed(service.service_name, operation, lambda: json.loads(request.body), answer)
        except DamagedAnswer as error:
            response.raw.close()
            raise HTTPClientError(error=f"the answer to {operation} {error}") from error
        response.raw = _Body(body)
        return response

    name = service.service_id.hyphenize()
    client.meta.events.register(f"before-parameter-build.{name}", ask)
    client.meta.events.register(f"before-send.{name}", send)


def _read(raw: Any, deadline: float) -> bytes:
    """A body, as urllib3 receives it.

    Raises:
        DamagedAnswer: it breaks off, or is not there by the deadline (of the monotonic clock).
    """
    pieces: list[bytes] = []
    try:
        while (left := deadline - monotonic()) > 0:
            # Both are gone when there is nothing left to wait for.
            if raw.connection is not None and raw.connection.sock is not None:
                raw.connection.sock.settimeout(left)
            piece = raw.read1()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    except ReadTimeoutError:
        pass
    except HTTPError:
        raise DamagedAnswer("breaks off") from None
    raise DamagedAnswer("is too slow")


class _Body:
    """A body that is there already, where botocore expects one that has to be received."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self._content
