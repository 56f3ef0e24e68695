"""The program that runs a function: what Lambda's Python runtime does.

``environment`` starts it, and talks to it over an inherited socket, whose file descriptor is its
only argument. It first says whether the handler could be imported; then it sends one message for
each event. When the socket is closed it ends, even in the middle of an event. It imports the
standard library only, so that a function finds nothing but what its layers contain.
"""

import importlib
import json
import os
import re
import secrets
import sys
import time
import traceback
from decimal import Decimal
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, NoReturn

END_OF_EVENT: Final = "END RequestId: "
"""Begins the line behind an event's last line of log, as in Lambda; the request's id follows."""

EXPECTED_ERROR: Final = "workspace_usage.errors.UsageError"
"""The base class of errors that are for the function's caller. Any other error is a crash."""

_PLACEHOLDER: Final = secrets.token_hex(16)


class Context:
    """What Lambda passes as a handler's second argument."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, deadline: float, arn: str) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int((self._deadline - time.time()) * 1000))


def deserialize(event: bytes) -> object:
    """Parses an event as Lambda's Python runtime does: UTF-8, without NaN and Infinity.

    Raises:
        ValueError, RecursionError: it is not JSON, or Python can't represent it, such as an integer
            of more than 4,300 digits.
    """
    return json.loads(event.decode("utf-8-sig"), parse_constant=_refuse_constant)


def serialize(value: object) -> str:
    """Returns a result as JSON, as Lambda's Python runtime writes it (with simplejson).

    A Decimal becomes a number with all of its digits. The standard library can't write that, so a
    unique placeholder is written, and replaced in the text.

    Raises:
        TypeError, ValueError, RecursionError: it can't be written as JSON.
    """
    numbers: list[str] = []
    text = json.dumps(_plain(value, numbers), ensure_ascii=False)
    if numbers:
        text = re.sub(rf'"{_PLACEHOLDER}(\d+)"', lambda match: numbers[int(match[1])], text)
    return text


def _plain(value: object, numbers: list[str]) -> object:
    """Returns ``value`` in types that ``json`` can write; moves Decimals to ``numbers``."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode()
        case dict():
            return {_key(key): _plain(content, numbers) for key, content in value.items()}
        case Decimal():
            numbers.append("NaN" if value.is_nan() else str(value))
            return f"{_PLACEHOLDER}{len(numbers) - 1}"
    # Named tuples, and objects that look like one.
    if callable(as_dict := getattr(value, "_asdict", None)):
        return _plain(as_dict(), numbers)
    return [_plain(v, numbers) for v in value] if isinstance(value, list | tuple) else value


def _key(key: object) -> object:
    return key.decode() if isinstance(key, bytes) else key


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def describe(error: BaseException, kind: str | None = None) -> bytes:
    """Logs an error that the function did not handle, and returns it as Lambda returns it.

    An error for the caller is not logged: the function has logged it if that was needed.
    """
    kind = kind or type(error).__name__
    # The first frame is this module's.
    trace = traceback.format_tb(error.__traceback__)[1:]
    if not is_expected(error):
        print(f"[ERROR] {kind}: {error}")
        print("".join(trace), end="")
    content = {"errorMessage": str(error), "errorType": kind, "stackTrace": trace}
    return json.dumps(content).encode()


def is_expected(error: BaseException) -> bool:
    """Whether an error is for the caller: a UsageError, or the authorizer's way to say 401."""
    bases = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return EXPECTED_ERROR in bases or (type(error) is Exception and str(error) == "Unauthorized")


def load(handler: str) -> Any:
    """Imports the function that ``handler`` names: ``module.function``, as in the template.

    Raises:
        BaseException: whatever importing it raises.
    """
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module), name)


def receive(connection: Connection, events: SimpleQueue[bytes]) -> None:
    """Queues events as they arrive; ends the process when the other side has closed the socket."""
    try:
        while True:
            events.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def serve(connection: Connection) -> None:
    """Imports the handler, reports whether that worked, and then handles events."""
    events: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=receive, args=(connection, events), daemon=True).start()
    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as error:  # noqa: BLE001 - the edge: the function may raise anything
        connection.send_bytes(b"!" + describe(error))
        return
    connection.send_bytes(b"=")
    while True:
        head, _, event = events.get().partition(b"\n")
        request_id, deadline, arn = head.decode().split()
        message = handle(handler, event, Context(request_id, float(deadline), arn))
        print(f"{END_OF_EVENT}{request_id}", flush=True)
        connection.send_bytes(message)


def handle(handler: Any, event: bytes, context: Context) -> bytes:
    """Returns the message for one event: ``=`` and the result, or ``!`` and the error.

    Raises:
        UnicodeEncodeError: a text of the result is not Unicode (half a surrogate pair). Lambda's
            runtime finds out when it sends the result, and ends.
    """
    try:
        content = deserialize(event)
    except (ValueError, RecursionError) as error:
        reason = f"Unable to unmarshal input: {error}"
        return b"!" + describe(ValueError(reason), "Runtime.UnmarshalError")
    try:
        result = handler(content, context)
    except Exception as error:  # noqa: BLE001 - the edge: the function may raise anything
        return b"!" + describe(error)
    if isinstance(result, bytes):
        # Lambda's runtime sends bytes as they are.
        return b"=" + result
    try:
        text = serialize(result)
    except Exception as error:  # noqa: BLE001 - the edge: so may its result
        reason = f"Unable to marshal response: {error}"
        return b"!" + describe(TypeError(reason), "Runtime.MarshalError")
    return b"=" + text.encode()


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    serve(Connection(int(sys.argv[1])))
