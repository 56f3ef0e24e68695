"""Validates responses of AWS: each must be whole, and have what its operation's result must have.

botocore checks less: after its last attempt it returns a response whose checksum is wrong, and it
turns a response that is not JSON into ``{}``. A caller would take that for "no such token" or "it
is written". So every response is validated here, on every attempt, ours (``reader``) and botocore's
(``client_validation``) alike.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from workspace_usage.aws.http1 import Response
from workspace_usage.values import parse_json

type Decode = Callable[[bytes], Any]
"""Parses JSON; raises ValueError for anything else."""

_RESULT_MEMBERS: Final[Mapping[str, Mapping[str, type]]] = {
    "GetItem": {"ConsumedCapacity": dict},
    "PutItem": {"ConsumedCapacity": dict},
    "UpdateItem": {"ConsumedCapacity": dict},
    "DeleteItem": {"ConsumedCapacity": dict},
    "Query": {"Count": int, "Items": list},
    "Scan": {"Count": int, "Items": list},
    "BatchWriteItem": {"UnprocessedItems": dict},
    "TransactWriteItems": {"ConsumedCapacity": list},
    "DescribeTable": {"Table": dict},
    "GetParameter": {"Parameter": dict},
    "PutParameter": {"Version": int},
    "SendMessage": {"MessageId": str},
    "GetQueueAttributes": {"Attributes": dict},
    "PutEvents": {"Entries": list, "FailedEntryCount": int},
}
"""The members that the result of an operation must have, because its callers rely on them."""

_PARAMETER_MEMBERS: Final[Mapping[str, type]] = {"Value": str}
"""The members that a result's ``Parameter`` must have."""

_ERROR_MEMBERS: Final[Mapping[str, type]] = {"__type": str}
"""The members that an error must have."""

_CONTINUATIONS: Final = {
    "LastEvaluatedKey": "ExclusiveStartKey",
    "UnprocessedItems": "RequestItems",
}
"""Members of a result that say where to continue, each with the next request's parameter."""

_CAPACITY_PARAMETERS: Final[Mapping[str, str]] = {"ReturnConsumedCapacity": "TOTAL"}


def required_parameters(operation: str) -> Mapping[str, str]:
    """Returns parameters that requests for an operation need so that its result can be validated.

    DynamoDB's result is ``{}`` for a GetItem that finds no item, and for a write. A result that has
    lost its content may look the same. With these parameters, an undamaged result has
    ``ConsumedCapacity``.
    """
    members = _RESULT_MEMBERS.get(operation, {})
    return _CAPACITY_PARAMETERS if "ConsumedCapacity" in members else {}


class DamagedResponse(Exception):
    """A response that can't be trusted.

    The text gives the reason in fixed words that follow "the response", such as "is not JSON". It
    quotes nothing of the response.
    """


def validate_response(
    service: str,
    operation: str,
    request: Callable[[], Mapping[str, Any]],
    response: Response,
    decode: Decode = parse_json,
) -> dict[str, Any]:
    """Returns the JSON object in a response's body: a result, or an error with its type.

    Args:
        service: the service's name, such as ``dynamodb``.
        operation: the operation's name, such as ``GetItem``.
        request: returns what was sent; called only if the response has to be compared with it.
        response: the response.
        decode: parses the body.

    Raises:
        DamagedResponse: the response is damaged, or is not a response to this operation.
    """
    if response.status != 200 and not 400 <= response.status <= 599:
        raise DamagedResponse("has the status of neither a result nor an error")
    _check_bytes(service, response)
    try:
        content = decode(response.body)
    except ValueError:
        raise DamagedResponse("is not JSON") from None
    if not isinstance(content, dict):
        raise DamagedResponse("is not a JSON object")
    if response.status != 200:
        _require(_ERROR_MEMBERS, content)
        return content
    _require(_RESULT_MEMBERS.get(operation, {}), content)
    if operation == "GetParameter":
        _require(_PARAMETER_MEMBERS, content["Parameter"])
    _check_progress(request, content)
    return content


def _check_bytes(service: str, response: Response) -> None:
    """Checks the body against its announced length and its checksum, as far as they were sent."""
    if response.headers.get("content-length", "") not in ("", str(len(response.body))):
        raise DamagedResponse("is not as long as announced")
    checksum = response.headers.get("x-amz-crc32")
    if checksum is None:
        # DynamoDB sends one with every result. DynamoDB Local sends none with errors.
        if service == "dynamodb" and response.status == 200:
            raise DamagedResponse("has no checksum")
    elif checksum != str(zlib.crc32(response.body)):
        raise DamagedResponse("has a wrong checksum")


def _require(members: Mapping[str, type], content: Mapping[str, Any]) -> None:
    for name, kind in members.items():
        if not isinstance(content.get(name), kind):
            raise DamagedResponse(f"has no {name}")


def _check_progress(request: Callable[[], Mapping[str, Any]], content: Mapping[str, Any]) -> None:
    """Checks that the next request would be a different one: otherwise reading would never end."""
    for member, parameter in _CONTINUATIONS.items():
        if content.get(member) and content[member] == request().get(parameter):
            raise DamagedResponse(f"has the {member} of the response before it")
