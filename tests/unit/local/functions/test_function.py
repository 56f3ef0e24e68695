"""A function runs in its own processes, as in Lambda, and none of them is left at the end."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from local.errors import TemplateError
from local.functions import worker
from local.functions.configuration import FunctionConfiguration
from local.functions.function import MAX_ENVIRONMENTS, Function
from local.functions.invocation import NoResult, Result
from local.template.expand import expand
from tests.support.local_functions import DEADLINE, runs, wait_until, write_function
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES

type Make = Callable[..., Function]

PID = """
import os

def handle(event, context):
    return os.getpid()
"""
MOODS = """
import os
import time

def handle(event, context):
    if event == "crash":
        os._exit(7)
    if event == "hang":
        time.sleep(600)
    if event == "leave":
        raise SystemExit(3)
    if event == "raise":
        raise LookupError("no luck")
    return os.getpid()
"""
WAITS = """
import os
import time
from pathlib import Path

def handle(event, context):
    Path("started", str(os.getpid())).touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return os.getpid()
"""


@pytest.fixture
def log() -> list[str]:
    """The lines of the functions' log."""
    return []


@pytest.fixture
def make(tmp_path: Path, log: list[str]) -> Iterator[Make]:
    """Makes functions of a module's source; closes them in the end."""
    made: list[Function] = []

    def make(source: str, timeout: float = 30.0) -> Function:
        configuration = write_function(tmp_path / "function", source, timeout)
        made.append(Function(configuration, log.append))
        return made[-1]

    yield make
    for function in made:
        function.close()


def asked(function: Function, event: object = None, patience: float = 60.0) -> Any:
    """What the function returned for an event."""
    answer = function.invoke(json.dumps(event).encode(), patience)
    assert not answer.is_error, answer.payload
    return json.loads(answer.payload)


def failure(function: Function, event: object = None) -> dict[str, Any]:
    """The function's error."""
    answer = function.invoke(json.dumps(event).encode(), 60.0)
    assert answer.is_error
    content: dict[str, Any] = json.loads(answer.payload)
    return content


# --- Answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [None, 5, "é\u2028\n", [1, {"a": [True, None]}], {}, 10**30])
def test_a_function_gets_the_event_and_its_result_is_returned(make: Make, event: object) -> None:
    """Any JSON."""
    assert asked(make("def handle(event, context): return event"), event) == event


def test_large_events_and_large_results_are_supported(make: Make) -> None:
    """They are larger than a socket's buffer."""
    function = make("def handle(event, context): return event * 3")
    assert asked(function, "x" * 2_000_000) == "x" * 6_000_000


def test_a_function_s_context_is_lambda_s(make: Make) -> None:
    """With an id for each event, and the remaining time."""
    function = make(
        """
        def handle(event, context):
            left = context.get_remaining_time_in_millis()
            return vars(context) | {"left": left, "client": context.client_context}
        """,
        timeout=600,
    )
    first, second = asked(function), asked(function)
    assert first["aws_request_id"] != second["aws_request_id"]
    assert first["invoked_function_arn"] == function.configuration.arn
    assert first["function_name"] == function.configuration.name
    assert first["memory_limit_in_mb"] == "128"
    assert 0 < second["left"] <= 600_000
    assert second["client"] is None


def test_the_next_event_is_handled_in_the_same_process(make: Make) -> None:
    """Its globals are kept."""
    function = make("""
        import os
        seen = []
        def handle(event, context):
            seen.append(event)
            return [os.getpid(), seen]
    """)
    (first, _), (second, seen) = asked(function, "a"), asked(function, "b")
    assert first == second != os.getpid()
    assert seen == ["a", "b"]


def test_a_decimal_keeps_its_digits(make: Make) -> None:
    """It doesn't become a float; a text that looks like a number stays a text."""
    function = make("""
        from decimal import Decimal
        def handle(event, context):
            return {"n": [Decimal("0.10"), Decimal("12345678901234567890.123456789012345678")],
                    "t": "0.10", "e": Decimal("1E+3"), "é": Decimal(0)}
    """)
    answer = function.invoke(b"null")
    assert answer.payload.decode() == (
        '{"n": [0.10, 12345678901234567890.123456789012345678], "t": "0.10", "e": 1E+3, "é": 0}'
    )


@pytest.mark.parametrize(
    ("result", "sent"),
    [
        ("[None, True, -0.0, 1e16, 10**20]", b"[null, true, -0.0, 1e+16, 100000000000000000000]"),
        ("[float('nan'), -float('inf')]", b"[NaN, -Infinity]"),
        ("[D('NaN'), D('-sNaN'), D('-Infinity')]", b"[NaN, NaN, -Infinity]"),
        ("'é\\u2028\\x7f\\0/\\n\"\\\\'", '"é\u2028\x7f\\u0000/\\n\\"\\\\"'.encode()),
        ("{1: 2, 1.5: 3, None: 4, False: 5}", b'{"1": 2, "1.5": 3, "null": 4, "false": 5}'),
        ("(1, [{}, []], Point(1, D('2.0')))", b'[1, [{}, []], {"x": 1, "y": 2.0}]'),
        ("{b'a': [b'\\xc3\\xa9']}", '{"a": ["é"]}'.encode()),
        ("b'not JSON \\xff'", b"not JSON \xff"),
    ],
)
def test_a_result_s_bytes_are_those_of_lambda_s_runtime(
    make: Make, result: str, sent: bytes
) -> None:
    """The expected bytes are awslambdaric 4.2.2's on Python 3.13. They count for Lambda's limit."""
    function = make(f"""
        from collections import namedtuple
        from decimal import Decimal as D
        Point = namedtuple("Point", "x y")
        def handle(event, context):
            return {result}
    """)
    assert function.invoke(b"null") == Result(sent)


@pytest.mark.parametrize("size", [MAX_RESPONSE_BYTES, MAX_RESPONSE_BYTES + 1])
def test_a_result_has_a_size_limit(make: Make, log: list[str], size: int) -> None:
    """It is in bytes, quotes included. One byte more is Lambda's error, which is logged."""
    characters = (size - len('""')) // 2
    function = make(f"def handle(event, context): return 'é' * {characters} + 'x' * {size % 2}")
    answer = function.invoke(b"null")
    if size == MAX_RESPONSE_BYTES:
        assert (len(answer.payload), answer.is_error) == (MAX_RESPONSE_BYTES, False)
        return
    assert answer.is_error
    assert json.loads(answer.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }
    assert any("Function.ResponseSizeTooLarge" in line for line in log)


# --- Errors ---------------------------------------------------------------------------------------


def test_an_error_that_a_function_raises_is_its_result(make: Make, log: list[str]) -> None:
    """With type, message and stack trace. It is logged, and the process goes on."""
    function = make(MOODS)
    pid = asked(function)
    content = failure(function, "raise")
    assert (content["errorType"], content["errorMessage"]) == ("LookupError", "no luck")
    assert len(content["stackTrace"]) == 1
    assert "in handle" in content["stackTrace"][0]
    assert asked(function) == pid
    function.close()
    assert "[ERROR] LookupError: no luck" in log


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("raise LookupError('no luck')", "LookupError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("def handle(: pass", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("other = 1", "AttributeError"),
    ],
)
def test_a_module_that_can_t_be_imported_is_an_error_of_each_event(
    make: Make, log: list[str], source: str, kind: str
) -> None:
    """Each time it is imported again, so it works as soon as the module is fixed."""
    function = make(source)
    for _ in range(2):
        assert failure(function)["errorType"] == kind
    (function.configuration.folder / "app.py").write_text(dedent(PID), "utf-8")
    assert asked(function) > 0
    function.close()
    assert any(kind in line for line in log)


@pytest.mark.parametrize(
    "result", ["object()", "{1, 2}", "[b'\\xff']", "{(1, 2): 3}", "10**5000", "loop", "handle"]
)
def test_a_result_that_can_t_be_json_is_an_error(make: Make, result: str) -> None:
    """It is Lambda's error, and the process goes on."""
    function = make(f"""
        import os
        loop = []
        loop.append(loop)
        def handle(event, context):
            return os.getpid() if event else {result}
    """)
    pid = asked(function, True)
    error = failure(function)
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"].startswith("Unable to marshal response: ")
    assert error["stackTrace"] == []
    assert asked(function, True) == pid


@pytest.mark.parametrize(
    "event", [b"", b"NaN", b"1" * 5_000, b'"\xff"', b"[" * 100_000 + b"]" * 100_000], ids=repr
)
def test_an_event_that_python_can_t_read_is_an_error(make: Make, event: bytes) -> None:
    """It is Lambda's error, and the process goes on."""
    function = make(PID)
    pid = asked(function)
    answer = function.invoke(event)
    error = json.loads(answer.payload)
    assert (answer.is_error, error["errorType"]) == (True, "Runtime.UnmarshalError")
    assert error["errorMessage"].startswith("Unable to unmarshal input: ")
    assert asked(function) == pid


def test_half_a_surrogate_pair_ends_the_process(make: Make) -> None:
    """As in Lambda, whose runtime fails to send it. In an event it is allowed."""
    function = make("def handle(event, context): return [event] if event == '\\ud800' else event")
    assert failure(function, "\ud800")["errorType"] == "Runtime.ExitError"
    assert asked(function, 5) == 5


@pytest.mark.parametrize(("event", "status"), [("crash", 7), ("leave", 3)])
def test_a_process_that_ends_is_an_error_and_the_next_event_gets_a_new_one(
    make: Make, log: list[str], event: str, status: int
) -> None:
    """The error names its exit status, and is logged."""
    function = make(MOODS)
    pid = asked(function)
    content = failure(function, event)
    assert content["errorType"] == "Runtime.ExitError"
    assert content["errorMessage"] == f"Runtime exited with status {status}"
    assert not runs(pid)
    assert asked(function) != pid
    assert any("Runtime.ExitError" in line for line in log)


def test_a_process_that_ends_between_events_is_an_error_of_the_next_event(
    make: Make,
) -> None:
    """The caller doesn't wait for a time-out; the event after that gets a new process."""
    function = make(PID)
    pid = asked(function)
    os.kill(pid, 9)
    assert failure(function)["errorMessage"] == "Runtime exited with status -9"
    assert asked(function) != pid


def test_after_a_time_out_the_next_event_gets_a_new_process(make: Make, log: list[str]) -> None:
    """The error names the time-out, and is logged."""
    function = make(MOODS, timeout=1.5)
    pid = asked(function)
    content = failure(function, "hang")
    assert content["errorType"] == "Sandbox.Timedout"
    assert content["errorMessage"].endswith("Error: Task timed out after 1.50 seconds")
    assert not runs(pid)
    assert asked(function) != pid
    assert any("Sandbox.Timedout" in line for line in log)


def test_a_caller_that_stops_waiting_gets_no_result(make: Make) -> None:
    """The process is killed, so that the next event doesn't wait for it."""
    function = make(MOODS)
    pid = asked(function)
    with pytest.raises(NoResult):
        function.invoke(b'"hang"', patience=0.2)
    assert not runs(pid)
    assert asked(function) != pid


def test_a_caller_can_stop_waiting_while_a_function_starts(make: Make) -> None:
    """That is not an error of the function."""
    function = make("import time\ntime.sleep(60)\n" + PID)
    with pytest.raises(NoResult):
        function.invoke(b"1", patience=0.2)


def test_child_processes_of_a_crashed_function_are_killed(make: Make, tmp_path: Path) -> None:
    """They don't keep its output open."""
    source = """
import os, subprocess
def handle(event, context):
    child = subprocess.Popen(["sleep", "600"])
    open(event, "w").write(str(child.pid))
    os._exit(1)
"""
    note = tmp_path / "pid"
    assert failure(make(source), str(note))["errorType"] == "Runtime.ExitError"
    wait_until(lambda: not runs(int(note.read_text())))


# --- Processes ------------------------------------------------------------------------------------


def test_a_function_has_a_few_processes_and_no_more(make: Make) -> None:
    """While all are busy, further events wait, or get no result."""
    function = make(WAITS)
    folder = function.configuration.folder
    (folder / "started").mkdir()
    with ThreadPoolExecutor() as threads:
        events = [threads.submit(asked, function) for _ in range(2 * MAX_ENVIRONMENTS)]
        wait_until(lambda: len(list((folder / "started").iterdir())) == MAX_ENVIRONMENTS)
        with pytest.raises(NoResult):
            function.invoke(b"null", patience=0)
        (folder / "go").touch()
        pids = {event.result() for event in events}
    assert pids == {int(path.name) for path in (folder / "started").iterdir()}
    assert len(pids) == MAX_ENVIRONMENTS


def test_a_warmed_up_process_is_used(make: Make, log: list[str]) -> None:
    """Its module is imported once."""
    function = make("print('imported')" + PID)
    function.warm_up()
    assert asked(function) == asked(function)
    function.close()
    assert log.count("imported") == 1


def test_closing_leaves_no_process(make: Make) -> None:
    """Later events get no result. Closing again does nothing."""
    function = make(PID)
    function.warm_up()
    pid = asked(function)
    assert runs(pid)
    function.close()
    assert not runs(pid)
    with pytest.raises(NoResult):
        function.invoke(b"null")
    function.close()


def test_closing_a_function_that_was_never_invoked_does_nothing(make: Make) -> None:
    """It has no process."""
    make(PID).close()


def test_closing_ends_invocations_and_waits(make: Make, log: list[str]) -> None:
    """An event in flight gets an error, waiting events get no result, and no process is left."""
    function = make(WAITS)
    started = function.configuration.folder / "started"
    started.mkdir()
    with ThreadPoolExecutor() as threads:
        events = [threads.submit(function.invoke, b"null") for _ in range(MAX_ENVIRONMENTS + 2)]
        wait_until(lambda: len(list(started.iterdir())) == MAX_ENVIRONMENTS)
        function.close()
        errors = [event.exception() for event in events]
        answers = [event.result() for event in events if event.exception() is None]
    assert sum(isinstance(error, NoResult) for error in errors) == 2
    assert len(answers) == MAX_ENVIRONMENTS
    assert all(b"Runtime.ExitError" in answer.payload for answer in answers)
    assert log == [], "nothing crashed"
    assert not any(runs(int(path.name)) for path in started.iterdir())


def test_a_process_ends_when_its_socket_is_closed(tmp_path: Path) -> None:
    """Even in the middle of an event: its parent may have been killed."""
    configuration = write_function(tmp_path, WAITS)
    (tmp_path / "started").mkdir()
    here, there = socket.socketpair()
    with (
        there,
        subprocess.Popen(
            [sys.executable, "-P", worker.__file__, str(there.fileno())],
            cwd=configuration.folder,
            env=dict(configuration.environment),
            pass_fds=[there.fileno()],
        ) as process,
    ):
        try:
            with Connection(here.detach()) as connection:
                assert connection.recv_bytes() == b"="
                connection.send_bytes(f"id 0 {configuration.arn}\nnull".encode())
                wait_until(lambda: list((tmp_path / "started").iterdir()))
            there.close()
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()


# --- Logs -----------------------------------------------------------------------------------------


def test_what_a_function_prints_is_in_the_log_line_by_line(make: Make, log: list[str]) -> None:
    """Standard output and standard error, what isn't UTF-8, and a line without an end."""
    function = make("""
        import os, sys
        print("start")
        def handle(event, context):
            print("one\\ntwo ")
            print("é", file=sys.stderr)
            os.write(1, b"\\xff\\n")
            os.write(1, b"end")
    """)
    asked(function)
    function.close()
    assert log == ["start", "one", "two", "é", "\N{REPLACEMENT CHARACTER}", "end"]


def test_a_result_has_the_lines_that_the_function_wrote_for_the_event(make: Make) -> None:
    """It has no earlier lines."""
    function = make("""
        import os
        print("start")
        def handle(event, context):
            print(event)
            os.write(1, b"end")
    """)
    logs = [function.invoke(json.dumps(event).encode()).log for event in ("one", "two")]
    assert logs == [("start", "one", "end"), ("two", "end")]


EXPECTED = """
import sys
from types import ModuleType

errors = sys.modules["workspace_usage.errors"] = ModuleType("workspace_usage.errors")
exec("class UsageError(Exception): pass", errors.__dict__)

class StoreUnavailable(errors.UsageError):
    pass

def handle(event, context):
    raise {"401": Exception("Unauthorized"), "503": StoreUnavailable("no table")}[event]
"""


@pytest.mark.parametrize(("event", "kind"), [("401", "Exception"), ("503", "StoreUnavailable")])
def test_an_error_for_the_caller_is_not_logged(
    make: Make, log: list[str], event: str, kind: str
) -> None:
    """An authorizer's ``Unauthorized``, and subclasses of UsageError."""
    function = make(EXPECTED)
    assert failure(function, event)["errorType"] == kind
    function.close()
    assert log == []


def test_the_output_of_a_crashed_function_is_logged(make: Make, log: list[str]) -> None:
    """All of it."""
    function = make("""
        import os
        def handle(event, context):
            print("last words")
            os._exit(1)
    """)
    assert failure(function)["errorType"] == "Runtime.ExitError"
    function.close()
    assert "last words" in log


# --- What the template says -----------------------------------------------------------------------

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Asked:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code
      Handler: app.handle
      Runtime: python3.13
      Timeout: 7
      MemorySize: 512
      Layers: [!Ref Core, !Ref Other]
      Environment:
        Variables: {DECLARED: "", COLOR: red, NUMBER: 5}
  Plain:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code, Handler: app.handle, Runtime: python3.13}
  Homeless:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: nowhere, Handler: app.handle, Runtime: python3.13}
  Core: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/core}}
  Other: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/other}}
"""
ENVIRONMENT = """
import os
import sys

try:
    import layered
except ImportError:
    layered = None

def handle(event, context):
    return {**os.environ, "layered": layered and layered.NAME, "cwd": os.getcwd()}
"""


@pytest.fixture
def configurations(tmp_path: Path) -> Callable[[str], FunctionConfiguration]:
    """The configurations of the functions of ``TEMPLATE``, by logical id."""
    (tmp_path / "template.yaml").write_text(TEMPLATE, "utf-8")
    for name in ("core", "other"):
        (tmp_path / "layers" / name).mkdir(parents=True)
        (tmp_path / "layers" / name / "layered.py").write_text(f"NAME = {name!r}", "utf-8")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(ENVIRONMENT, "utf-8")
    template = expand(tmp_path / "template.yaml", {})

    def configuration(name: str) -> FunctionConfiguration:
        endpoints = {"DECLARED": "http://here", "UNDECLARED": "http://there"}
        return FunctionConfiguration.from_template(template, template.resources[name], endpoints)

    return configuration


def test_a_function_has_the_template_s_environment_and_lambda_s_and_no_other(
    configurations: Callable[[str], FunctionConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Endpoints only if they are declared, and nothing of the developer's environment."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "PYTHONHASHSEED", "MINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    configuration = configurations("Asked")
    function = Function(configuration, lambda _: None)
    seen = asked(function)
    function.close()
    assert (seen["COLOR"], seen["NUMBER"], seen["DECLARED"]) == ("red", "5", "http://here")
    assert seen.keys().isdisjoint(
        {"UNDECLARED", "AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "PYTHONHASHSEED", "MINE"}
    )
    assert seen["AWS_SECRET_ACCESS_KEY"] == "local"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == configuration.name == "workspace-usage-Asked"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert seen["TZ"] == ":UTC"
    assert seen["cwd"] == str(configuration.folder.resolve())
    assert configuration.timeout == 7


def test_a_function_imports_from_its_layers_in_their_order(
    configurations: Callable[[str], FunctionConfiguration],
) -> None:
    """And nothing from other layers."""
    for name, found in (("Asked", "core"), ("Plain", None)):
        function = Function(configurations(name), lambda _: None)
        assert asked(function)["layered"] == found
        function.close()


def test_lambda_s_defaults_apply(
    configurations: Callable[[str], FunctionConfiguration],
) -> None:
    """Three seconds, 128 MB, and a log group with the function's name."""
    configuration = configurations("Plain")
    assert configuration.timeout == 3
    assert configuration.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert (
        configuration.environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        == f"/aws/lambda/{configuration.name}"
    )


def test_a_function_without_its_folder_is_refused(
    configurations: Callable[[str], FunctionConfiguration],
) -> None:
    """When the stack starts; the error names the function."""
    with pytest.raises(TemplateError, match=r"^Homeless: there is no folder .*nowhere$"):
        configurations("Homeless")
