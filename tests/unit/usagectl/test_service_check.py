"""What doctor says of a deployment in AWS: bucket, rules, queues, and the API."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from types import SimpleNamespace
from typing import Any, Never, cast

import pytest
from botocore.exceptions import ClientError

from tests.support.http_server import Reply, serving
from usagectl.deployment import Deployment
from usagectl.findings import Finding, Problem
from usagectl.service_check import Caller, check_listing, examine
from usagectl.stored_caller import read_caller

PAGE: Reply = (200, b'{"items": [{}, {}]}')
REFUSAL: Reply = (401, b'{"message": "Unauthenticated."}')
OUTPUTS: Mapping[str, str] = {"EventSourceName": "tess"} | {
    name: name
    for name in (
        "MinDateParameterName",
        "MediaBucketName",
        "EventRuleName",
        "AccessEventRuleName",
        "EventBusName",
        "DeadLetterQueueUrl",
        "EventQueueUrl",
        "AccessEventQueueUrl",
        "CountQueueUrl",
        "EventSourceMappingId",
        "AccessEventSourceMappingId",
    )
}


@contextmanager
def api(with_token: Reply = PAGE, without: Reply = REFUSAL) -> Iterator[tuple[str, list[Any]]]:
    """Yields the URL of an API with two replies, and the requests that come to it."""
    requests: list[Any] = []

    def reply(path: str, headers: Message, _: bytes) -> Reply:
        requests.append((path, headers))
        return with_token if "Authorization" in headers else without

    with serving(reply) as url:
        yield f"{url}/usage", requests


class Aws:
    """The services that the checks ask. All is well, unless a test says otherwise.

    Attributes:
        messages: how many messages are in each queue.
        states: the states of rules and event source mappings.
        source: whose events rules take.
        blocks: whether the bucket blocks public access, in its four ways.
        setting: the minimal date's.
    """

    def __init__(self) -> None:
        self.messages: dict[str, int] = {}
        self.states: dict[str, str] = {}
        self.source = "tess"
        self.blocks = [True] * 4
        self.setting = '{"enabled": false, "date": null}'

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 - boto3's names
        """Returns the setting."""
        assert Name == "MinDateParameterName"
        return {"Parameter": {"Value": self.setting}}

    def get_public_access_block(self, *, Bucket: str) -> Any:  # noqa: N803
        """Returns what the bucket blocks."""
        assert Bucket == "MediaBucketName"
        return {"PublicAccessBlockConfiguration": dict(enumerate(self.blocks))}

    def describe_rule(self, *, Name: str, EventBusName: str) -> Any:  # noqa: N803
        """Returns a rule."""
        assert EventBusName == "EventBusName"
        pattern = json.dumps({"source": [self.source]})
        return {"State": self.states.get(Name, "ENABLED"), "EventPattern": pattern}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        """Returns how many messages are in a queue."""
        return {"Attributes": {AttributeNames[0]: str(self.messages.get(QueueUrl, 0))}}

    def get_event_source_mapping(self, *, UUID: str) -> Any:  # noqa: N803
        """Returns an event source mapping."""
        return {"State": self.states.get(UUID, "Enabled")}


def examined(
    aws: Aws,
    url: str,
    caller: Caller | None = None,
    outputs: Mapping[str, str] = OUTPUTS,
) -> Mapping[str, Finding]:
    """Returns what the checks find, by their names; without those of counts."""
    deployment = Deployment("prod", outputs, url, None, {})
    services = ("ssm", "s3", "events", "sqs", "lambda_")
    vars(deployment).update(dict.fromkeys(services, aws))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("usagectl.counts_check.examine", lambda *_: iter(()))
        return {finding.check: finding for finding in examine(deployment, caller, None)}


def test_a_deployment_that_works_is_well() -> None:
    """Queues may have messages that wait, but not that of events that were given up."""
    aws = Aws()
    aws.messages = dict.fromkeys(("EventQueueUrl", "AccessEventQueueUrl", "CountQueueUrl"), 1_234)
    with api() as (url, requests):
        found = examined(aws, url, Caller("7|secret", 11))
    assert {name: f.detail for name, f in found.items()} == {
        "usage_history_min_date": "not enabled",
        "media bucket": "MediaBucketName, private",
        "event rule": "takes events of tess",
        "event rule, tokens and members": "takes events of tess",
        "dead-letter queue": "empty",
        "event queue": "waiting: 1,234",
        "access event queue": "waiting: 1,234",
        "count queue": "waiting: 1,234",
        "recorder": "runs",
        "recorder, tokens and members": "runs",
        "API, without a token": "401, as it should be",
        "API, with a token": "200, rows: 2",
    }
    assert all(finding.is_well for finding in found.values())
    path, headers = requests[-1]
    assert path == "/usage?per_page=1"
    assert (headers["Authorization"], headers["x-workspace-id"]) == ("Bearer 7|secret", "11")


@pytest.mark.parametrize(
    ("change", "check", "detail"),
    [
        (
            lambda a: setattr(a, "blocks", [True, True, False, True]),
            "media bucket",
            "public access",
        ),
        (lambda a: setattr(a, "setting", "{"), "usage_history_min_date", ""),
        (lambda a: a.states.update(EventRuleName="DISABLED"), "event rule", "--name EventRuleName"),
        (
            lambda a: a.states.update(AccessEventRuleName="DISABLED"),
            "event rule, tokens and members",
            "--name AccessEventRuleName",
        ),
        (lambda a: a.messages.update(DeadLetterQueueUrl=1), "dead-letter queue", "applied: 1;"),
        (lambda a: a.states.update(EventSourceMappingId="Disabled"), "recorder", "resume starts"),
        (
            lambda a: a.states.update(AccessEventSourceMappingId="Disabled"),
            "recorder, tokens and members",
            "--uuid AccessEventSourceMappingId starts it",
        ),
    ],
)
def test_what_is_wrong_is_found(change: Callable[[Aws], object], check: str, detail: str) -> None:
    """It alone, with what to do about it."""
    aws = Aws()
    change(aws)
    with api() as (url, _):
        found = examined(aws, url)
    assert [name for name, finding in found.items() if finding.is_well is False] == [check]
    assert detail in found[check].detail
    assert found["API, with a token"].is_well is None


def test_a_stack_of_an_older_template_is_told_to_be_deployed() -> None:
    """Each check that needs a missing output fails, and names the stack and the output."""
    with api() as (url, _):
        found = examined(Aws(), url, outputs={})
    assert found["media bucket"].detail == (
        "Stack prod has no output MediaBucketName: deploy the current template."
    )
    assert [name for name, finding in found.items() if finding.is_well] == ["API, without a token"]


def test_rules_must_take_the_platform_s_events() -> None:
    aws = Aws()
    aws.source = "other"
    with api() as (url, _):
        found = examined(aws, url)
    wrong = [name for name, finding in found.items() if finding.is_well is False]
    assert wrong == ["event rule", "event rule, tokens and members"]


@pytest.mark.parametrize("reply", [PAGE, (401, b"no JSON"), (401, b'{"message": 1}'), (401, b"[]")])
def test_an_api_that_refuses_nobody_is_found(reply: Reply) -> None:
    """Or that refuses without a message: then it is not this service."""
    with api(without=reply) as (url, _):
        found = examined(Aws(), url)["API, without a token"]
    assert (found.is_well, found.detail) == (
        False,
        f"{url} answers {reply[0]}, not 401 with a message",
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (REFUSAL, "answers 401: Unauthenticated."),
        ((500, b"[]"), "answers 500: None"),
        ((200, b"[]"), "answers 200: None"),
        ((200, b"{}"), "answers 200: None"),
        ((201, PAGE[1]), "answers 201: None"),
    ],
)
def test_only_a_page_shows_that_the_api_works(reply: Reply, reason: str) -> None:
    with api(with_token=reply) as (url, _), pytest.raises(Problem) as problem:
        check_listing(url, Caller("7|secret", 11))
    assert str(problem.value) == reason


def test_an_api_that_does_not_answer_is_found() -> None:
    """Or whose address is not known, since the stack is older."""
    for url, reason in (
        ("http://127.0.0.1:9/usage", "http://127.0.0.1:9/usage?per_page=1 does not answer: "),
        ("", "the stack has no output ApiUrl: deploy the current template"),
    ):
        with pytest.raises(Problem) as problem:
            check_listing(url, Caller("7|secret", 11))
        assert str(problem.value).startswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "[]",
        "{}",
        '"secret"',
        json.dumps({"token": "77|secret\n", "workspace_id": 11}),
        json.dumps({"token": "77|sécret", "workspace_id": 11}),
        json.dumps({"token": "77|secret", "workspace_id": "11"}),
        json.dumps({"token": "77|secret", "workspace_id": 0}),
        json.dumps({"token": "77|secret", "workspace_id": 2**63}),
        json.dumps({"token": ["secret"], "workspace_id": 11}),
    ],
)
def test_a_parameter_without_a_usable_caller_is_a_problem_that_does_not_quote_it(text: str) -> None:
    ssm = SimpleNamespace(
        get_parameter=lambda **_: {"Parameter": {"Value": text}},
        exceptions=SimpleNamespace(ClientError=OSError),
    )
    with pytest.raises(Problem, match=r"^caller has no token and workspace; usagectl") as problem:
        read_caller(cast(Any, ssm), "caller")
    assert "secret" not in str(problem.value)


def test_a_stored_caller_is_read() -> None:
    """With the greatest id, and only if it is decrypted."""
    text = json.dumps({"token": "77|secret", "workspace_id": 2**63 - 1})

    def get_parameter(*, Name: str, WithDecryption: bool) -> Any:  # noqa: N803 - boto3's names
        assert (Name, WithDecryption) == ("caller", True)
        return {"Parameter": {"Value": text}}

    ssm = SimpleNamespace(
        get_parameter=get_parameter, exceptions=SimpleNamespace(ClientError=OSError)
    )
    assert read_caller(cast(Any, ssm), "caller") == Caller("77|secret", 2**63 - 1)


def test_only_a_caller_that_is_missing_is_to_be_stored() -> None:
    """If the parameter may not be read, the error of AWS says so."""
    codes = iter(["ParameterNotFound", "AccessDeniedException"])

    def get_parameter(**_: object) -> Never:
        raise ClientError({"Error": {"Code": next(codes), "Message": "no"}}, "GetParameter")

    ssm = SimpleNamespace(
        get_parameter=get_parameter, exceptions=SimpleNamespace(ClientError=ClientError)
    )
    with pytest.raises(Problem, match=r"^caller is missing; usagectl"):
        read_caller(cast(Any, ssm), "caller")
    with pytest.raises(ClientError, match="AccessDenied"):
        read_caller(cast(Any, ssm), "caller")
