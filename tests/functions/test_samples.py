"""Every file in ``events/`` does what its name says, with the demo's data in the tables."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local.data.demo import write_demo
from local.stack import resources_of
from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import ROOT, Context
from usagectl.loading.loader import Loader
from usagectl.recount import release
from usagectl.send import read_event
from workspace_usage.errors import InvalidRequest
from workspace_usage.recording.events import EVENTS
from workspace_usage.rollups.counts import read_head

EVENTS_FOLDER = ROOT / "events"

UNAUTHORIZED = "Unauthorized"
AUTHORIZER = {
    "authorizer-allowed-bare-secret": ("Allow", "everyone"),
    "authorizer-allowed-everyone": ("Allow", "everyone"),
    "authorizer-allowed-own": ("Allow", "own"),
    "authorizer-denied-ability": ("Deny", None),
    "authorizer-denied-member": ("Deny", None),
    "authorizer-invalid-workspace": ("Allow", None),
    "authorizer-unauthorized-expired": UNAUTHORIZED,
    "authorizer-unauthorized-malformed": UNAUTHORIZED,
    "authorizer-unauthorized-missing": UNAUTHORIZED,
    "authorizer-unauthorized-unknown": UNAUTHORIZED,
}
"""The policy's effect and what the context says the caller sees; or the error that is raised."""

USAGE = {
    "usage-filtered": 200,
    "usage-first-page": 200,
    "usage-forbidden-context": 403,
    "usage-forbidden-user": 403,
    "usage-invalid-query": 422,
    "usage-invalid-workspace": 422,
    "usage-own": 200,
    "usage-second-page": 200,
}
INVOKE = {
    "invoke-filtered": None,
    "invoke-first-page": None,
    "invoke-invalid": InvalidRequest,
    "invoke-without-workspace": InvalidRequest,
}
RECORDER = {"recorder-batch": 0, "recorder-rejected": 2}
"""How many messages end in the dead-letter queue."""

COUNTER = {"counter-one-workspace"}


def read(name: str) -> Any:
    """The event in a file."""
    return json.loads((EVENTS_FOLDER / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def demo(clients: Clients, template: Template, tmp_path: Path) -> None:
    """The demo's data, loaded."""
    write_demo(tmp_path, datetime.now(UTC))
    assert Loader(resources_of(template, clients)).load(tmp_path).rejected == 0


def test_every_file_is_accounted_for() -> None:
    """No sample without a test."""
    names = {path.stem for path in EVENTS_FOLDER.glob("*.json")} - {"environment"}
    events = {name for name in names if name.startswith("event-")}
    assert names - events == {*AUTHORIZER, *USAGE, *INVOKE, *RECORDER, *COUNTER}
    kinds = {read(name)["detail-type"] for name in events}
    assert kinds == set(EVENTS), "each event needs a sample, events/event-*.json"


@pytest.mark.usefixtures("demo")
def test_the_authorizers_samples(authorizer: ModuleType) -> None:
    """Those that are let in, those that are not, and those who nobody knows."""
    for name, expected in AUTHORIZER.items():
        if expected == UNAUTHORIZED:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                authorizer.lambda_handler(read(name), Context())
            continue
        answer = authorizer.lambda_handler(read(name), Context())
        [statement] = answer["policyDocument"]["Statement"]
        assert (statement["Effect"], answer["context"].get("sees")) == expected, name
        assert ("message" in answer["context"]) == (statement["Effect"] == "Deny"), name


@pytest.mark.usefixtures("demo")
def test_the_usage_functions_samples(usage: ModuleType) -> None:
    """Pages through the gateway and by direct invocation, and what is refused."""
    for name, status in USAGE.items():
        answer = usage.lambda_handler(read(name), Context())
        body = json.loads(answer["body"])
        assert answer["statusCode"] == status, name
        assert body["items"] if status == 200 else body["message"], name
    for name, error in INVOKE.items():
        if error is None:
            assert usage.lambda_handler(read(name), Context())["items"], name
            continue
        with pytest.raises(error):
            usage.lambda_handler(read(name), Context())


def test_the_recorders_samples(recorder: ModuleType, clients: Clients, template: Template) -> None:
    """A batch that is applied, and one with events that can't be."""
    queue = template.resources["DeadLetterQueue"].ref
    for name, rejected in RECORDER.items():
        assert recorder.lambda_handler(read(name), Context()) == {"batchItemFailures": []}
        answer = clients.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        assert len(answer.get("Messages", [])) == rejected, name


@pytest.mark.usefixtures("demo")
def test_the_counters_samples(counter: ModuleType, clients: Clients, template: Template) -> None:
    """The demo's workspace is counted, once: two messages ask for it."""
    place = resources_of(template, clients)
    release(place, 11)
    for name in COUNTER:
        context = Context(remaining=[900_000])
        assert counter.lambda_handler(read(name), context) == {"batchItemFailures": []}
    head = read_head(clients.dynamodb, place.tables.rollups, 11)
    assert head is not None
    assert head.is_usable(UTC)


def test_the_platforms_samples_can_be_sent() -> None:
    """Each is an event that the recorder would understand."""
    paths = sorted(EVENTS_FOLDER.glob("event-*.json"))
    assert {read_event(path).source for path in paths} == {"tess"}
