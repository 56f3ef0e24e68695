"""A function's process: one Lambda execution environment, which handles one event at a time.

It talks to ``functions`` over an inherited socket, whose number is its only argument. It first says
whether the handler could be imported; then it answers each event with one message. It ends as soon
as the socket does, even in the middle of an event. Nothing but the standard library is imported, so
that the function finds what its layers give it and no more.
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
"""What the log says, before the request's id, behind the last line about an event. As Lambda's."""

EXPECTED_ERROR: Final = "workspace_usage.errors.UsageError"
"""The base of the errors that a function raises for its caller. Any other one is a crash."""

_MARK: Final = secrets.token_hex(16)


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
    """The event that Lambda's Python runtime makes of JSON: UTF-8, without NaN and Infinity.

    Raises:
        ValueError, RecursionError: it is not JSON, or Python has no form for it, as for integers of
            more than 4,300 digits.
    """
    return json.loads(event.decode("utf-8-sig"), parse_constant=_refuse_constant)


def serialize(value: object) -> str:
    """The JSON that Lambda's Python runtime (``awslambdaric``, with simplejson) makes of a result.

    A Decimal becomes a number with the digits it has, which the standard library can't write: a
    string that nothing else can contain stands in for it.

    Raises:
        TypeError, ValueError, RecursionError: JSON has no form for it.
    """
    numbers: list[str] = []
    text = json.dumps(_plain(value, numbers), ensure_ascii=False)
    if numbers:
        text = re.sub(rf'"{_MARK}(\d+)"', lambda match: numbers[int(match[1])], text)
    return text


def _plain(value: object, numbers: list[str]) -> object:
    """``value`` in the standard library's types; Decimals are moved to ``numbers``."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode()
        case dict():
            return {_key(key): _plain(content, numbers) for key, content in value.items()}
        case Decimal():
            numbers.append("NaN" if value.is_nan() else str(value))
            return f"{_MARK}{len(numbers) - 1}"
    # Named tuples, and whatever looks like one.
    if callable(as_dict := getattr(value, "_asdict", None)):
        return _plain(as_dict(), numbers)
    return [_plain(v, numbers) for v in value] if isinstance(value, list | tuple) else value


def _key(key: object) -> object:
    return key.decode() if isinstance(key, bytes) else key


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def describe(error: BaseException, kind: str | None = None) -> bytes:
    """Logs an error that the function did not handle, and returns what Lambda answers then.

    An error that is raised for the caller is not logged: the function has done that, if need be.
    """
    kind = kind or type(error).__name__
    # The first frame is this module's.
    trace = traceback.format_tb(error.__traceback__)[1:]
    if not is_expected(error):
        print(f"[ERROR] {kind}: {error}")
        print("".join(trace), end="")
    answer = {"errorMessage": str(error), "errorType": kind, "stackTrace": trace}
    return json.dumps(answer).encode()


def is_expected(error: BaseException) -> bool:
    """Whether an error is an answer: of the service's own tree, or an authorizer's word for 401."""
    bases = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return EXPECTED_ERROR in bases or (type(error) is Exception and str(error) == "Unauthorized")


def load(handler: str) -> Any:
    """The function that ``handler`` names, ``module.function``, as in the template.

    Raises:
        BaseException: whatever importing it raises.
    """
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module), name)


def receive(connection: Connection, events: SimpleQueue[bytes]) -> None:
    """Queues what arrives; ends the process when nobody is there any more."""
    try:
        while True:
            events.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def serve(connection: Connection) -> None:
    """Imports the handler, says whether that worked, and handles events from then on."""
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
        answer = handle(handler, event, Context(request_id, float(deadline), arn))
        print(f"{END_OF_EVENT}{request_id}", flush=True)
        connection.send_bytes(answer)


def handle(handler: Any, event: bytes, context: Context) -> bytes:
    """The answer to one event: ``=`` and the result, or ``!`` and the error.

    Raises:
        UnicodeEncodeError: a text of the result is not Unicode (half a surrogate pair). Lambda's
            runtime notices that when it sends the result, and ends.
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
        # Lambda's runtime takes them for what is to be sent.
        return b"=" + result
    try:
        text = serialize(result)
    except Exception as error:  # noqa: BLE001 - the edge: so may what it returned
        reason = f"Unable to marshal response: {error}"
        return b"!" + describe(TypeError(reason), "Runtime.MarshalError")
    return b"=" + text.encode()


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    serve(Connection(int(sys.argv[1])))
