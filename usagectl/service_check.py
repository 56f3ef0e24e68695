"""Checks that a deployment works: setting, bucket, rules, queues, recorder, API, and counts.

This is what can go wrong between two deployments. The doctor's function checks it on a schedule.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException

from usagectl import counts_check
from usagectl.deployment import Deployment
from usagectl.findings import Finding, Problem, find
from usagectl.urls import open_url
from workspace_usage.listing.min_date import parse_min_date


@dataclass(frozen=True, slots=True)
class Caller:
    """The token and the workspace of a request to the API. ``is_sendable`` holds for the token."""

    token: str
    workspace_id: int


def is_sendable(token: str) -> bool:
    """Whether a token can be sent in a header: plain characters, and no line break.

    The error of Python's HTTP client quotes a header that can't be sent, and so the token.
    """
    return token.isascii() and token.isprintable()


def examine(
    deployment: Deployment, caller: Caller | None, workspace_id: int | None
) -> Iterator[Finding]:
    """Yields the finding of each check, as soon as it is made.

    Args:
        deployment: the deployment.
        caller: the caller of a request to the API, or None for no such request.
        workspace_id: the workspace whose counts are checked, or None for some at random.
    """
    checks: Mapping[str, Callable[[], str]] = {
        "usage_history_min_date": partial(_setting, deployment),
        "media bucket": partial(_bucket, deployment),
        "event rule": partial(_rule, deployment, "EventRuleName"),
        "event rule, tokens and members": partial(_rule, deployment, "AccessEventRuleName"),
        "dead-letter queue": partial(_dead_letters, deployment),
        "event queue": partial(_waiting, deployment, "EventQueueUrl"),
        "access event queue": partial(_waiting, deployment, "AccessEventQueueUrl"),
        "count queue": partial(_waiting, deployment, "CountQueueUrl"),
        "recorder": partial(_recorder, deployment),
        "recorder, tokens and members": partial(_access_recorder, deployment),
        "API, without a token": partial(_anonymous, deployment.url),
    }
    for name, check in checks.items():
        yield find(name, check)
    if caller is None:
        yield Finding("API, with a token", None, "give --token and --workspace to check it")
    else:
        yield find("API, with a token", partial(check_listing, deployment.url, caller))
    yield from counts_check.examine(deployment, workspace_id)


def _setting(deployment: Deployment) -> str:
    name = deployment.output("MinDateParameterName")
    value = deployment.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    first_day = parse_min_date(value)
    return "not enabled" if first_day is None else f"nothing before {first_day} is shown"


def _bucket(deployment: Deployment) -> str:
    name = deployment.output("MediaBucketName")
    if deployment.is_local:
        deployment.s3.head_bucket(Bucket=name)
        return name
    # HeadBucket needs a permission that also lists objects, and this call fails, too, if the bucket
    # is gone.
    block = deployment.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    if not all(block.values()):
        raise Problem(f"{name} does not block all public access")
    return f"{name}, private"


def _rule(deployment: Deployment, output: str) -> str:
    """Returns what a rule takes from the event bus. What no rule takes is lost."""
    name, bus = deployment.output(output), deployment.output("EventBusName")
    rule = deployment.events.describe_rule(Name=name, EventBusName=bus)
    if rule["State"] == "DISABLED":
        raise Problem(
            f"DISABLED: events are lost; aws events enable-rule --event-bus-name {bus}"
            f" --name {name} starts it"
        )
    source = deployment.output("EventSourceName")
    pattern = json.loads(rule["EventPattern"])
    if pattern.get("source") != [source]:
        raise Problem(f"does not take the events of {source} (EventSource); see docs/operations.md")
    return f"takes events of {source}"


def _dead_letters(deployment: Deployment) -> str:
    number = _messages(deployment, "DeadLetterQueueUrl")
    if number:
        raise Problem(f"events that were not applied: {number:,}; see docs/operations.md")
    return "empty"


def _waiting(deployment: Deployment, output: str) -> str:
    return f"waiting: {_messages(deployment, output):,}"


def _messages(deployment: Deployment, output: str) -> int:
    attributes = deployment.sqs.get_queue_attributes(
        QueueUrl=deployment.output(output), AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def _recorder(deployment: Deployment) -> str:
    state = _mapping_state(deployment, "EventSourceMappingId")
    if state != "Enabled":
        raise Problem(f"{state}: events wait; usagectl recorder resume starts it")
    return "runs"


def _access_recorder(deployment: Deployment) -> str:
    output = "AccessEventSourceMappingId"
    state = _mapping_state(deployment, output)
    if state != "Enabled":
        raise Problem(
            f"{state}: revoked tokens and removed members are still accepted; aws lambda"
            f" update-event-source-mapping --enabled --uuid {deployment.output(output)} starts it"
        )
    return "runs"


def _mapping_state(deployment: Deployment, output: str) -> str:
    return deployment.lambda_.get_event_source_mapping(UUID=deployment.output(output))["State"]


def _anonymous(url: str) -> str:
    status, body = _get(url, {})
    if status != 401 or not _has_message(body):
        raise Problem(f"{url} answers {status}, not 401 with a message")
    return "401, as it should be"


def check_listing(url: str, caller: Caller) -> str:
    """Returns what the API answers a caller who asks for the listing.

    Raises:
        Problem: it does not answer with a page.
    """
    headers = {
        "Authorization": f"Bearer {caller.token}",
        "x-workspace-id": str(caller.workspace_id),
    }
    status, body = _get(f"{url}?per_page=1", headers)
    if status != 200 or not isinstance(body, dict) or "items" not in body:
        message = body.get("message") if isinstance(body, dict) else None
        raise Problem(f"answers {status}: {message}")
    return f"200, rows: {len(body['items'])}"


def _has_message(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("message"), str)


def _get(url: str, headers: Mapping[str, str]) -> tuple[int, object]:
    if not url.startswith(("http://", "https://")):
        raise Problem("the stack has no output ApiUrl: deploy the current template")
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - checked above
    try:
        with open_url(request, timeout_seconds=30) as response:
            return response.status, _json(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read())
    except (OSError, HTTPException) as error:
        raise Problem(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


def _json(text: bytes) -> object:
    try:
        content: object = json.loads(text)
    except ValueError:
        return None
    return content
