"""Checks a deployment from end to end: tables, indexes, setting, bucket, queues, API, and counts.

The template of this repository says which keys and indexes the tables should have.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from usagectl import counts_check
from usagectl.deployment import Deployment
from usagectl.findings import Finding, Problem, find
from workspace_usage.listing.min_date import parse_min_date

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"


@dataclass(frozen=True, slots=True)
class Caller:
    """The token and the workspace of a request to the API."""

    token: str
    workspace_id: int


def examine(
    deployment: Deployment, caller: Caller | None, workspace_id: int | None = None
) -> Iterator[Finding]:
    """Yields the finding of each check, as soon as it is made.

    Args:
        deployment: the deployment.
        caller: the caller of a request to the API, or None for no such request.
        workspace_id: the workspace whose counts are checked, or None for some at random.
    """
    template = yaml_parse(TEMPLATE.read_text("utf-8"))["Resources"]
    for name, resource in template.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            yield find(f"table {name}", partial(_table, deployment, name, resource))
    checks: Mapping[str, Callable[[], str]] = {
        "usage_history_min_date": partial(_setting, deployment),
        "media bucket": partial(_bucket, deployment),
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
        yield find("API, with a token", partial(_listing, deployment.url, caller))
    yield from counts_check.examine(deployment, workspace_id)


def _table(deployment: Deployment, logical_id: str, resource: Mapping[str, Any]) -> str:
    name = deployment.output(f"{logical_id}Name")
    table = deployment.dynamodb.describe_table(TableName=name)["Table"]
    if table["TableStatus"] != "ACTIVE":
        raise Problem(f"{name} is {table['TableStatus']}")
    expected = resource["Properties"]
    if _keys(table["KeySchema"]) != _keys(expected["KeySchema"]):
        raise Problem(f"{name} has other keys than the template")
    actual = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    for index in expected.get("GlobalSecondaryIndexes", []):
        actual_index = actual.get(index["IndexName"])
        if actual_index is None or _keys(actual_index["KeySchema"]) != _keys(index["KeySchema"]):
            raise Problem(f"{name} lacks the index {index['IndexName']} as the template has it")
        if actual_index.get("IndexStatus", "ACTIVE") != "ACTIVE":
            raise Problem(
                f"{name}: the index {index['IndexName']} is {actual_index['IndexStatus']}"
            )
    if not deployment.is_local:
        _check_protection(deployment, name, table, expected)
    return f"{name}, its indexes: {', '.join(sorted(actual)) or 'none'}"


def _check_protection(
    deployment: Deployment, name: str, table: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Raises ``Problem`` if a table, or items that must stay, could be deleted."""
    is_protected = table.get("DeletionProtectionEnabled")
    if "DeletionProtectionEnabled" in expected and not is_protected:
        raise Problem(f"{name} is not protected against deletion")
    time_to_live = deployment.dynamodb.describe_time_to_live(TableName=name)[
        "TimeToLiveDescription"
    ]
    is_on = time_to_live.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    if is_on and "TimeToLiveSpecification" not in expected:
        raise Problem(f"{name} deletes tombstones after a time to live: switch it off")


def _keys(schema: Any) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in schema]


def _setting(deployment: Deployment) -> str:
    name = deployment.output("MinDateParameterName")
    value = deployment.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    first_day = parse_min_date(value)
    return "not enabled" if first_day is None else f"nothing before {first_day} is shown"


def _bucket(deployment: Deployment) -> str:
    name = deployment.output("MediaBucketName")
    deployment.s3.head_bucket(Bucket=name)
    if deployment.is_local:
        return name
    block = deployment.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    if not all(block.values()):
        raise Problem(f"{name} does not block all public access")
    return f"{name}, private"


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


def _listing(url: str, caller: Caller) -> str:
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
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
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
