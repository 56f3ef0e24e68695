"""The built package, which is what `sam deploy` uploads: it works after pruning, and is small.

`make package` builds the stack and runs these tests. `make test` does not.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from benchmarks.__main__ import zipped_size
from benchmarks.deployment import Deployment
from benchmarks.packages import BUILD_FOLDER, environment, interpreter, ours
from local.aws import CREDENTIALS
from local.data.demo import write_demo
from local.functions.credentials_endpoint import CredentialsEndpoint
from local.stack import Stack
from tests.support.counting import OLDEST, CountedTables, count_batch
from tests.support.exports import finish_export, read_export, start_export
from tests.support.functions import ROOT
from usagectl.__main__ import main
from usagectl.loading.loader import Loader
from usagectl.send import read_event, send
from workspace_usage.rollups.counter import MIN_ROWS

pytestmark = pytest.mark.package

ANAS_HEADERS = {"Authorization": "Bearer 1|demo-ana", "x-workspace-id": "11"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of the built package, with the demo's data."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, datetime.now(UTC))
    parameters = {"CacheEnabled": "false", "ChecksEnabled": "true"}
    with Stack.start(BUILD_FOLDER / "template.yaml", parameters) as running:
        assert Loader(running.resources).load(folder).rejected == 0
        yield running


def ask(stack: Stack, **query: str) -> httpx.Response:
    """Returns the response to Ana's request of the listing."""
    return httpx.get(
        f"{stack.url}/workspaces/usage", params=query, headers=ANAS_HEADERS, timeout=300
    )


def test_the_built_stack_answers_requests(stack: Stack) -> None:
    """The authorizer and the listing work, and presigned URLs return the files."""
    answer = ask(stack, type="image", per_page="100")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    links = [item["link"] for item in page["items"] if "X-Amz-Signature" in (item["link"] or "")]
    assert links
    assert httpx.get(links[0]).content.startswith(b"\x89PNG")
    for parameters, status in (({"type": "Chat"}, 422), ({"user_id": "2"}, 200)):
        assert ask(stack, **parameters).status_code == status


def test_the_built_recorder_applies_and_rejects_events(stack: Stack) -> None:
    """The pruned botocore can make all kinds of the recorder's calls."""
    events = [
        read_event(ROOT / "events" / f"event-{name}.json")
        for name in ("execution-recorded", "execution-archived", "workspace-member-added")
    ]
    broken = json.dumps({"Records": [{"messageId": "m", "body": "no JSON"}]})
    bus = stack.template.resources["EventBus"].name
    assert send(stack.clients.events, bus, events) == 3
    day = {"start_date": "2026-01-05", "end_date": "2026-01-05"}
    deadline = time.monotonic() + 300
    while [item["source"] for item in ask(stack, **day).json()["items"]] != ["archived"]:
        assert time.monotonic() < deadline
    response = httpx.post(
        f"{stack.url}/2015-03-31/functions/RecorderFunction/invocations", content=broken
    )
    assert response.json() == {"batchItemFailures": []}
    queue = stack.template.resources["DeadLetterQueue"].ref
    assert len(stack.clients.sqs.receive_message(QueueUrl=queue)["Messages"]) == 1


def test_the_built_counter_counts_rows(stack: Stack) -> None:
    """The pruned botocore can make its calls too: for new rows, for old blocks, and for a mark."""
    tables = CountedTables(stack.clients, stack.template)
    tables.put_rows(77, range(1, MIN_ROWS + 1))
    tables.count(77, age=OLDEST - timedelta(minutes=MIN_ROWS + 3.5))
    tables.put_rows(77, range(MIN_ROWS + 1, 2 * MIN_ROWS + 1))
    tables.put_mark(77, 1, age=OLDEST - timedelta(hours=2))
    response = httpx.post(
        f"{stack.url}/2015-03-31/functions/CounterFunction/invocations",
        content=json.dumps(count_batch(77)),
        timeout=300,
    )
    assert response.json() == {"batchItemFailures": []}
    assert tables.counted_rows(77) == 2 * MIN_ROWS
    assert not tables.marks(77).marked_at


def test_the_built_exporter_writes_files(stack: Stack) -> None:
    """The pruned botocore can upload them in parts."""
    with httpx.Client(timeout=300) as client:
        export = start_export(client, stack.url, ANAS_HEADERS, format="ndjson")
        done = finish_export(client, export, ANAS_HEADERS)
    assert done["status"] == "done"
    assert read_export(done["link"]).count("\n") == done["rows"] > 100


def test_the_built_doctor_checks_the_stack(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pruned botocore can make its calls, and the package has all modules that it needs."""
    options = ("--token", ANAS_HEADERS["Authorization"].removeprefix("Bearer "), "-w", "11")
    assert main(["--endpoint", stack.url, "setting", "check-caller", *options]) == 0
    assert "workspace 11" in capsys.readouterr().out
    response = httpx.post(
        f"{stack.url}/2015-03-31/functions/DoctorFunction/invocations", content="{}", timeout=300
    )
    assert (response.status_code, response.text) == (200, "null")


def test_the_built_page_function_serves_the_page_the_document_and_the_reference(
    stack: Stack,
) -> None:
    """From its own package, without the package for Django that has the files."""
    document = httpx.get(f"{stack.url}/openapi.json")
    assert document.content == (ROOT / "openapi.json").read_bytes()
    for path in re.findall(r'(?:src|href)="(docs/[^"]+)"', httpx.get(f"{stack.url}/docs").text):
        assert httpx.get(f"{stack.url}/{path}").status_code == 200, path
    page = httpx.get(stack.url)
    for path in re.findall(r'(?:src|href)="(web/[^"]+)"', page.text):
        assert httpx.get(f"{stack.url}/{path}").status_code == 200, path
    names = {path.name for path in (BUILD_FOLDER / "PageFunction").rglob("*") if path.is_file()}
    assert names == {
        *(path.name for path in (ROOT / "web").iterdir()),
        *("app.py", "app.cpython-313.pyc", "openapi.json"),
        *("reference.html", "reference.js", "reference.css"),
        *("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"),
    }


def test_the_layers_are_small() -> None:
    """The dependencies have at most 8 MB, with the binaries of both architectures."""
    assert zipped_size(BUILD_FOLDER / "DependenciesLayer") <= 8_000_000
    assert zipped_size(BUILD_FOLDER / "PageFunction") <= 600_000
    assert zipped_size(BUILD_FOLDER / "CoreLayer") <= 500_000
    assert zipped_size(BUILD_FOLDER / "DoctorFunction") <= 150_000


@pytest.mark.parametrize(
    "folder",
    [
        "CoreLayer/python/workspace_api",
        "CoreLayer/python/workspace_usage",
        "DependenciesLayer/python/pydantic",
        "UsageFunction",
        "SummaryFunction",
        "PageFunction",
        "AuthorizerFunction",
        "RecorderFunction",
        "CounterFunction",
        "ExportsFunction",
        "ExporterFunction",
        "DoctorFunction",
        "DoctorFunction/usagectl",
    ],
)
def test_the_package_contains_bytecode_that_python_does_not_check(folder: str) -> None:
    """Packaging changes dates. If Python compared them, each cold start would compile again."""
    for source in (BUILD_FOLDER / folder).rglob("*.py"):
        (compiled,) = (source.parent / "__pycache__").glob(f"{source.stem}.cpython-313.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


PRINT_MODULES = """
import json, os, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from handler_process import Context
import app
app.lambda_handler(json.loads(sys.argv[3]), Context())
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


PRINT_MODULES_AFTER_RESTORE = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from handler_process import Context, take_snapshot
import app
restore = take_snapshot()
before = set(sys.modules)
for hook in restore:
    hook()
app.lambda_handler(json.loads(sys.argv[3]), Context())
print(json.dumps(sorted(sys.modules.keys() - before)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("usage", "usage-filtered"),
        ("summary", "summary-grouped"),
        ("authorizer", "authorizer-allowed-everyone"),
    ],
)
def test_a_restored_function_imports_no_module(stack: Stack, function: str, event: str) -> None:
    """Not even to fetch its credentials, which is necessary after a restore."""
    credentials = {"AccessKeyId": "local", "SecretAccessKey": "local", "Token": "local"}
    with CredentialsEndpoint(credentials) as endpoint:
        variables = {
            name: value
            for name, value in Deployment(stack).variables(function).items()
            if name not in CREDENTIALS
        }
        variables |= endpoint.variables
        assert run_script(PRINT_MODULES_AFTER_RESTORE, function, event, variables) == []
        assert endpoint.requests == 1


def run_script(script: str, function: str, event: str, variables: Mapping[str, str]) -> list[str]:
    """Runs a script with a function and a sample event; returns the modules that it prints.

    Args:
        script: the script, in Python.
        function: the function's name.
        event: the sample's name.
        variables: the function's environment variables.
    """
    package = ours(function)
    text = (ROOT / "events" / f"{event}.json").read_text("utf-8")
    command = [interpreter(), "-S", "-s", "-W", "error", "-c", script, str(package.folder)]
    completed = subprocess.run(
        [*command, str(Path("benchmarks").resolve()), text],
        env=environment(variables, package),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(completed.stderr.splitlines()[-1])
    return names


def imported_packages(stack: Stack, function: str, event: str) -> set[str]:
    """Returns the packages that a function imports until its first answer, without Python's own."""
    names = set(run_script(PRINT_MODULES, function, event, Deployment(stack).variables(function)))
    # Powertools imports the top of botocore, which takes almost no time. These modules of botocore
    # and Python would take the longest.
    assert names.isdisjoint({"botocore.session", "http.client", "email.parser", "asyncio"})
    packages = {name.partition(".")[0] for name in names if not name.startswith("_")}
    return packages - set(sys.stdlib_module_names) - {"handler_process", "app", "botocore"}


def test_the_authorizer_imports_only_the_packages_that_it_needs(stack: Stack) -> None:
    """Each package makes every cold start longer."""
    assert imported_packages(stack, "authorizer", "authorizer-allowed-everyone") == {
        "aws_lambda_powertools",
        "jmespath",
        "snapshot_restore_py",
        "typing_extensions",
        "workspace_api",
        "workspace_usage",
    }


def test_the_usage_function_imports_only_the_packages_that_it_needs(stack: Stack) -> None:
    """Above all it does not import botocore, which takes as long as all others together."""
    assert imported_packages(stack, "usage", "usage-invalid-query") == {
        "annotated_types",
        "aws_lambda_powertools",
        "jmespath",
        "orjson",
        "pydantic",
        "pydantic_core",
        "snapshot_restore_py",
        "typing_extensions",
        "typing_inspection",
        "workspace_api",
        "workspace_usage",
    }


# The last one: afterwards a table is missing.


def test_an_unavailable_store_is_a_503_in_the_built_stack(stack: Stack) -> None:
    """The pruned botocore can make the fallback's calls."""
    table = stack.template.resources["EditedChatsTable"].name
    stack.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    stack.clients.dynamodb.delete_table(TableName=table)
    answer = ask(stack, range="7d")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
