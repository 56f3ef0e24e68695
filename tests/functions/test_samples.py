"""Every sample in ``events/`` has the effect that its name promises on the demo's data."""

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
from tests.support.counting import CountedTables
from tests.support.functions import ROOT, Context
from usagectl.loading.loader import Loader
from usagectl.send import read_event
from workspace_usage.errors import InvalidRequest
from workspace_usage.recording.events import EVENTS
from workspace_usage.rollups.counter import MIN_ROWS

EVENTS_FOLDER = ROOT / "events"

UNAUTHORIZED = "Unauthorized"
AUTHORIZER_SAMPLES = {
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
"""The policy's effect and whose rows the context lets the caller see, or the error's text."""

STATUSES_BY_SAMPLE = {
    "summary-grouped": 200,
    "summary-invalid-query": 422,
    "usage-filtered": 200,
    "usage-first-page": 200,
    "usage-forbidden-context": 403,
    "usage-forbidden-user": 403,
    "usage-invalid-query": 422,
    "usage-invalid-workspace": 422,
    "usage-own": 200,
    "usage-second-page": 200,
}
ERRORS_BY_INVOCATION = {
    "invoke-filtered": None,
    "invoke-first-page": None,
    "invoke-invalid": InvalidRequest,
    "invoke-summary": None,
    "invoke-without-workspace": InvalidRequest,
}
DEAD_LETTERS_BY_SAMPLE = {"recorder-batch": 0, "recorder-rejected": 2}
"""How many messages of a batch the recorder sends to the dead-letter queue."""

COUNTER_SAMPLES = {"counter-one-workspace"}


def read_sample(name: str) -> Any:
    """Returns the event in a file."""
    return json.loads((EVENTS_FOLDER / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def demo(clients: Clients, template: Template, tmp_path: Path) -> None:
    """Loads the demo's data."""
    write_demo(tmp_path, datetime.now(UTC))
    assert Loader(resources_of(template, clients)).load(tmp_path).rejected == 0


def test_every_sample_is_tested_and_every_event_has_a_sample() -> None:
    """A new file needs an entry above, and a new event needs a file."""
    names = {path.stem for path in EVENTS_FOLDER.glob("*.json")} - {"environment"}
    events = {name for name in names if name.startswith("event-")}
    assert names - events == {
        *AUTHORIZER_SAMPLES,
        *STATUSES_BY_SAMPLE,
        *ERRORS_BY_INVOCATION,
        *DEAD_LETTERS_BY_SAMPLE,
        *COUNTER_SAMPLES,
    }
    kinds = {read_sample(name)["detail-type"] for name in events}
    assert kinds == set(EVENTS), "each event needs a sample, events/event-*.json"


@pytest.mark.usefixtures("demo")
def test_the_authorizer_decides_as_its_samples_say(authorizer: ModuleType) -> None:
    """It allows and denies requests, and knows no caller for others."""
    for name, expected in AUTHORIZER_SAMPLES.items():
        if expected == UNAUTHORIZED:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                authorizer.lambda_handler(read_sample(name), Context())
            continue
        policy = authorizer.lambda_handler(read_sample(name), Context())
        [statement] = policy["policyDocument"]["Statement"]
        assert (statement["Effect"], policy["context"].get("sees")) == expected, name
        assert ("message" in policy["context"]) == (statement["Effect"] == "Deny"), name


@pytest.mark.usefixtures("demo")
def test_the_api_s_functions_answer_as_their_samples_say(
    usage: ModuleType, summary: ModuleType
) -> None:
    """They answer and refuse both requests of API Gateway and direct invocations."""
    for name, status in STATUSES_BY_SAMPLE.items():
        function, field = (summary, "totals") if "summary" in name else (usage, "items")
        response = function.lambda_handler(read_sample(name), Context())
        body = json.loads(response["body"])
        assert response["statusCode"] == status, name
        assert body[field] if status == 200 else body["message"], name
    for name, error in ERRORS_BY_INVOCATION.items():
        function, field = (summary, "buckets") if "summary" in name else (usage, "items")
        if error is None:
            assert function.lambda_handler(read_sample(name), Context())[field], name
            continue
        with pytest.raises(error):
            function.lambda_handler(read_sample(name), Context())


def test_the_recorder_applies_and_rejects_as_its_samples_say(
    recorder: ModuleType, clients: Clients, template: Template
) -> None:
    """One batch is applied, and the other one's events can't be applied."""
    queue = template.resources["DeadLetterQueue"].ref
    for name, rejected in DEAD_LETTERS_BY_SAMPLE.items():
        assert recorder.lambda_handler(read_sample(name), Context()) == {"batchItemFailures": []}
        response = clients.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        assert len(response.get("Messages", [])) == rejected, name


def test_the_counter_counts_the_workspace_of_its_sample(
    counter: ModuleType, clients: Clients, template: Template
) -> None:
    """Two messages name the workspace, which is counted once."""
    tables = CountedTables(clients, template)
    tables.put_rows(11, range(1, MIN_ROWS + 1))
    for name in COUNTER_SAMPLES:
        context = Context(remaining=[900_000])
        assert counter.lambda_handler(read_sample(name), context) == {"batchItemFailures": []}
    assert tables.counted_rows(11) == MIN_ROWS


def test_every_event_s_sample_can_be_sent() -> None:
    """``usagectl`` reads it, and the recorder would accept it."""
    paths = sorted(EVENTS_FOLDER.glob("event-*.json"))
    assert {read_event(path).source for path in paths} == {"tess"}
