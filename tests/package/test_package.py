"""What is deployed, as `make build` made it: it works without what was taken out, and stays small.

`make package` builds the stack and runs these; `make test` leaves them out.
"""

import json
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
from benchmarks.rows import row_of_age
from local.aws import CREDENTIALS
from local.data.demo import write_demo
from local.functions.credentials_endpoint import CredentialsEndpoint
from local.stack import Stack
from tests.support.functions import ROOT
from usagectl.loading.loader import Loader
from usagectl.send import read_event, send
from workspace_usage.rollups.counts import read_head
from workspace_usage.rows.row import Source, to_stored_item

pytestmark = pytest.mark.package

ANA = {"Authorization": "Bearer 1|demo-ana", "x-workspace-id": "11"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The built stack, with the demo's data."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, datetime.now(UTC))
    with Stack.start(BUILD_FOLDER / "template.yaml", {"CacheEnabled": "false"}) as running:
        assert Loader(running.resources).load(folder).rejected == 0
        yield running


def ask(stack: Stack, **query: str) -> httpx.Response:
    """The listing, as Ana."""
    return httpx.get(f"{stack.url}/workspaces/usage", params=query, headers=ANA, timeout=300)


def test_it_answers(stack: Stack) -> None:
    """Authorizer and listing, with links that show their files."""
    answer = ask(stack, type="image", per_page="100")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    links = [item["link"] for item in page["items"] if "X-Amz-Signature" in (item["link"] or "")]
    assert links
    assert httpx.get(links[0]).content.startswith(b"\x89PNG")
    for parameters, status in (({"type": "Chat"}, 422), ({"user_id": "2"}, 200)):
        assert ask(stack, **parameters).status_code == status


def test_it_records_and_rejects(stack: Stack) -> None:
    """The recorder's calls can be made with what is left of botocore: all kinds of them."""
    events = [
        read_event(ROOT / "events" / f"event-{name}.json")
        for name in ("execution-recorded", "execution-archived", "workspace-member-added")
    ]
    broken = json.dumps({"Records": [{"messageId": "m", "body": "no JSON"}]})
    bus = stack.template.resources["EventBus"].name
    assert send(stack.clients.events, bus, events) == 3
    day = {"start_date": "2026-01-05", "end_date": "2026-01-05"}
    give_up = time.monotonic() + 300
    while [item["source"] for item in ask(stack, **day).json()["items"]] != ["archived"]:
        assert time.monotonic() < give_up
    answer = httpx.post(
        f"{stack.url}/2015-03-31/functions/RecorderFunction/invocations", content=broken
    )
    assert answer.json() == {"batchItemFailures": []}
    queue = stack.template.resources["DeadLetterQueue"].ref
    assert len(stack.clients.sqs.receive_message(QueueUrl=queue)["Messages"]) == 1


def test_it_counts(stack: Stack) -> None:
    """The counter's calls can be made, too: from the beginning, and then further."""
    place, now = stack.resources, datetime.now(UTC)
    hint = {"messageId": "m", "body": json.dumps({"workspace_id": 77})}
    untils = set()
    for first in (1, 151):
        for number in range(first, first + 150):
            made = row_of_age(Source.CURRENT, number, timedelta(minutes=400 - number), now)
            item = to_stored_item(made._replace(workspace_id=77))
            place.dynamodb.put_item(TableName=place.tables.executions, Item=item)
        answer = httpx.post(
            f"{stack.url}/2015-03-31/functions/CounterFunction/invocations",
            content=json.dumps({"Records": [hint]}),
            timeout=300,
        )
        assert answer.json() == {"batchItemFailures": []}
        head = read_head(place.dynamodb, place.tables.rollups, 77)
        assert head is not None
        assert head.generation == 1
        untils.add(head.counted_until[-3:])
    assert untils == {"150", "300"}


def test_a_store_that_fails_is_still_unavailable(stack: Stack) -> None:
    """botocore, which is asked then, has what it needs for it."""
    table = stack.template.resources["EditedChatsTable"].name
    stack.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    stack.clients.dynamodb.delete_table(TableName=table)
    answer = ask(stack, range="7d")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_the_layer_is_small() -> None:
    """At most 8 MB, both architectures' binaries included."""
    assert zipped_size(BUILD_FOLDER / "DependenciesLayer") <= 8_000_000
    assert zipped_size(BUILD_FOLDER / "CoreLayer") <= 350_000


@pytest.mark.parametrize(
    "folder",
    [
        "CoreLayer/python/workspace_api",
        "CoreLayer/python/workspace_usage",
        "DependenciesLayer/python/pydantic",
        "UsageFunction",
        "AuthorizerFunction",
        "RecorderFunction",
        "CounterFunction",
    ],
)
def test_bytecode_is_shipped_and_never_compared_with_a_date(folder: str) -> None:
    """Packaging changes dates: bytecode that depended on one would be made anew at each start."""
    sources = list((BUILD_FOLDER / folder).rglob("*.py"))
    assert sources
    for source in sources:
        (compiled,) = (source.parent / "__pycache__").glob(f"{source.stem}.cpython-313.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


MODULES = """
import json, os, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from handler_process import Context
import app
app.lambda_handler(json.loads(sys.argv[3]), Context())
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


MODULES_AFTER_RESTORE = """
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
    [("usage", "usage-filtered"), ("authorizer", "authorizer-allowed-everyone")],
)
def test_what_was_restored_from_a_snapshot_imports_nothing_more(
    stack: Stack, function: str, event: str
) -> None:
    """Not even to find its credentials, as a function with SnapStart has to."""
    given = {"AccessKeyId": "local", "SecretAccessKey": "local", "Token": "local"}
    with CredentialsEndpoint(given) as endpoint:
        variables = {
            name: value
            for name, value in Deployment(stack).variables(function).items()
            if name not in CREDENTIALS
        }
        variables |= endpoint.variables
        assert modules(MODULES_AFTER_RESTORE, function, event, variables) == []
        assert endpoint.requests == 1


def modules(script: str, function: str, event: str, variables: Mapping[str, str]) -> list[str]:
    """The modules that a script prints, which it is told of a function and an event."""
    package = ours(function)
    text = (ROOT / "events" / f"{event}.json").read_text("utf-8")
    command = [interpreter(), "-S", "-s", "-W", "error", "-c", script, str(package.folder)]
    done = subprocess.run(
        [*command, str(Path("benchmarks").resolve()), text],
        env=environment(variables, package),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(done.stderr.splitlines()[-1])
    return names


def imported(stack: Stack, function: str, event: str) -> set[str]:
    """The packages that a function has imported by its first answer, without Python's own."""
    names = set(modules(MODULES, function, event, Deployment(stack).variables(function)))
    # Powertools looks whether botocore is there, which loads next to nothing of it. Of Python's own
    # modules these would take the longest.
    assert names.isdisjoint({"botocore.session", "http.client", "email.parser", "asyncio"})
    packages = {name.partition(".")[0] for name in names if not name.startswith("_")}
    return packages - set(sys.stdlib_module_names) - {"handler_process", "app", "botocore"}


def test_the_authorizer_imports_no_more_than_it_needs(stack: Stack) -> None:
    """Each package here is paid for at every cold start."""
    assert imported(stack, "authorizer", "authorizer-allowed-everyone") == {
        "aws_lambda_powertools",
        "jmespath",
        "snapshot_restore_py",
        "typing_extensions",
        "workspace_api",
        "workspace_usage",
    }


def test_the_listing_imports_no_more_than_it_needs(stack: Stack) -> None:
    """botocore above all, which takes as long as everything else together."""
    assert imported(stack, "usage", "usage-invalid-query") == {
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
