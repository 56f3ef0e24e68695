"""Which answers of AWS are believed: those that are whole and have what their operation must have.

botocore checks less: after its last attempt it hands on an answer whose checksum is wrong, and
makes ``{}`` of one that is not JSON. A caller reads that as "no such token" or "it is written". So
every answer is checked here, on every attempt, ours (``calls``) and botocore's (``aws``) alike.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from workspace_usage.aws.http1 import Response
from workspace_usage.values import parse_json

type Decode = Callable[[bytes], Any]

_RESULTS: Final[Mapping[str, Mapping[str, type]]] = {
    "GetItem": {"ConsumedCapacity": dict},
    "PutItem": {"ConsumedCapacity": dict},
    "UpdateItem": {"ConsumedCapacity": dict},
    "DeleteItem": {"ConsumedCapacity": dict},
    "Query": {"Count": int, "Items": list},
    "Scan": {"Count": int, "Items": list},
    "BatchGetItem": {"Responses": dict, "UnprocessedKeys": dict},
    "BatchWriteItem": {"UnprocessedItems": dict},
    "TransactWriteItems": {"ConsumedCapacity": list},
    "DescribeTable": {"Table": dict},
    "GetParameter": {"Parameter": dict},
    "PutParameter": {"Version": int},
    "SendMessage": {"MessageId": str},
    "GetQueueAttributes": {"Attributes": dict},
    "PutEvents": {"Entries": list, "FailedEntryCount": int},
}
"""What the answer to an operation must have, by its name: what its callers rely on."""

_PARAMETER: Final[Mapping[str, type]] = {"Value": str}
"""What a ``Parameter`` must have."""

_ERROR: Final[Mapping[str, type]] = {"__type": str}
"""What an error must have."""

_CONTINUATIONS: Final = {
    "LastEvaluatedKey": "ExclusiveStartKey",
    "UnprocessedKeys": "RequestItems",
    "UnprocessedItems": "RequestItems",
}
"""What an answer leaves to be asked for next, and the part of the request that this then is."""


_COUNTED: Final[Mapping[str, str]] = {"ReturnConsumedCapacity": "TOTAL"}


def required_parameters(operation: str) -> Mapping[str, str]:
    """What requests for an operation must say besides, so that its answer can be believed.

    Where there is no item, DynamoDB answers ``{}`` to a GetItem, as it does to a write: that is
    what is left of any answer that has lost its content. Asked for it, it says what it has counted.
    """
    return _COUNTED if "ConsumedCapacity" in _RESULTS.get(operation, {}) else {}


class DamagedResponse(Exception):
    """An answer that can't be believed. The text says why in fixed words, and quotes nothing."""


def validate_response(
    service: str,
    operation: str,
    request: Callable[[], Mapping[str, Any]],
    answer: Response,
    decode: Decode = parse_json,
) -> dict[str, Any]:
    """Returns the JSON object that an answer consists of: a result, or an error with its type.

    Args:
        service: the service's name, such as ``dynamodb``.
        operation: what was asked of it, such as ``GetItem``.
        request: gives what was sent, where an answer has to be compared with it.
        answer: what came back, its headers by their names in lower case.
        decode: parses JSON; raises ValueError for all else.

    Raises:
        DamagedResponse: the answer is damaged, or is not one to this operation.
    """
    if answer.status != 200 and not 400 <= answer.status <= 599:
        raise DamagedResponse("has the status of neither a result nor an error")
    _check_bytes(service, answer)
    try:
        content = decode(answer.body)
    except ValueError:
        raise DamagedResponse("is not JSON") from None
    if not isinstance(content, dict):
        raise DamagedResponse("is not a JSON object")
    if answer.status != 200:
        _require(_ERROR, content)
        return content
    _require(_RESULTS.get(operation, {}), content)
    if operation == "GetParameter":
        _require(_PARAMETER, content["Parameter"])
    _check_progress(request, content)
    return content


def _check_bytes(service: str, answer: Response) -> None:
    """Checks that the body came as it was sent, as far as the headers tell."""
    if answer.headers.get("content-length", "") not in ("", str(len(answer.body))):
        raise DamagedResponse("is not as long as was announced")
    checksum = answer.headers.get("x-amz-crc32")
    if checksum is None:
        # DynamoDB sends one with every result. DynamoDB Local sends none with errors.
        if service == "dynamodb" and answer.status == 200:
            raise DamagedResponse("has no checksum")
    elif checksum != str(zlib.crc32(answer.body)):
        raise DamagedResponse("has a wrong checksum")


def _require(members: Mapping[str, type], content: Mapping[str, Any]) -> None:
    for name, kind in members.items():
        if not isinstance(content.get(name), kind):
            raise DamagedResponse(f"has no {name}")


def _check_progress(request: Callable[[], Mapping[str, Any]], content: Mapping[str, Any]) -> None:
    """Checks that what is left to be asked for is not what was asked for: it would never end."""
    for left, asked in _CONTINUATIONS.items():
        if content.get(left) and content[left] == request().get(asked):
            raise DamagedResponse(f"has the {left} of the answer before it")
