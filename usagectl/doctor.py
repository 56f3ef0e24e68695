"""Checks a deployment from end to end: tables, indexes, setting, bucket, queues, and the API.

What tables should look like is read from the template that lies beside this tool.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

from usagectl.deployment import Deployment
from usagectl.errors import CommandError
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.min_date import parse_min_date

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone to ask the API as."""

    token: str
    workspace_id: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``is_well`` None: it can't be checked there."""

    check: str
    is_well: bool | None
    detail: str


def examine(deployment: Deployment, caller: Caller | None) -> Iterator[Finding]:
    """All findings about a deployment, as they are made."""
    template = yaml_parse(TEMPLATE.read_text("utf-8"))["Resources"]
    for name, resource in template.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            yield _finding(f"table {name}", lambda n=name, r=resource: _table(deployment, n, r))
    yield _finding("usage_history_min_date", lambda: _setting(deployment))
    yield _finding("media bucket", lambda: _bucket(deployment))
    yield _finding("dead-letter queue", lambda: _dead_letters(deployment))
    yield _finding("event queue", lambda: _waiting(deployment, "EventQueueUrl"))
    yield _finding("access event queue", lambda: _waiting(deployment, "AccessEventQueueUrl"))
    yield _finding("count queue", lambda: _waiting(deployment, "CountQueueUrl"))
    yield _finding("recorder", lambda: _recorder(deployment))
    yield _finding("recorder, tokens and members", lambda: _access_recorder(deployment))
    yield _finding("API, without a token", lambda: _anonymous(deployment.url))
    if caller is None:
        yield Finding("API, with a token", None, "give --token and --workspace to check it")
    else:
        yield _finding("API, with a token", lambda: _listing(deployment.url, caller))


class _Unwell(Exception):
    """What a check found is not as it should be."""


def _finding(check: str, examine_it: Any) -> Finding:
    try:
        return Finding(check, True, examine_it())
    except _Unwell as error:
        return Finding(check, False, str(error))
    except (BotoCoreError, ClientError, CommandError, StoreUnavailable) as error:
        return Finding(check, False, str(error))


def _table(deployment: Deployment, logical_id: str, resource: Mapping[str, Any]) -> str:
    name = deployment.output(f"{logical_id}Name")
    table = deployment.dynamodb.describe_table(TableName=name)["Table"]
    if table["TableStatus"] != "ACTIVE":
        raise _Unwell(f"{name} is {table['TableStatus']}")
    wanted = resource["Properties"]
    if _keys(table["KeySchema"]) != _keys(wanted["KeySchema"]):
        raise _Unwell(f"{name} has other keys than the template")
    there = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    for index in wanted.get("GlobalSecondaryIndexes", []):
        found = there.get(index["IndexName"])
        if found is None or _keys(found["KeySchema"]) != _keys(index["KeySchema"]):
            raise _Unwell(f"{name} lacks the index {index['IndexName']} as the template has it")
        if found.get("IndexStatus", "ACTIVE") != "ACTIVE":
            raise _Unwell(f"{name}: the index {index['IndexName']} is {found['IndexStatus']}")
    if not deployment.endpoints:
        _guards(deployment, name, table, wanted)
    return f"{name}, its indexes: {', '.join(sorted(there)) or 'none'}"


def _guards(
    deployment: Deployment, name: str, table: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    """Refuses a table from which items go that should stay."""
    if not table.get("DeletionProtectionEnabled"):
        raise _Unwell(f"{name} is not protected against deletion")
    found = deployment.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    is_on = found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    if is_on and "TimeToLiveSpecification" not in wanted:
        raise _Unwell(f"{name} has a time to live, by which tombstones go: switch it off")


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
    if deployment.endpoints:
        return name
    block = deployment.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    if not all(block.values()):
        raise _Unwell(f"{name} does not block all public access")
    return f"{name}, private"


def _dead_letters(deployment: Deployment) -> str:
    number = _messages(deployment, "DeadLetterQueueUrl")
    if number:
        raise _Unwell(f"events that were not applied: {number:,}; see docs/operations.md")
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
        raise _Unwell(f"{state}: events wait; usagectl recorder resume starts it")
    return "runs"


def _access_recorder(deployment: Deployment) -> str:
    output = "AccessEventSourceMappingId"
    state = _mapping_state(deployment, output)
    if state != "Enabled":
        raise _Unwell(
            f"{state}: revoked tokens and removed members still come in; aws lambda"
            f" update-event-source-mapping --enabled --uuid {deployment.output(output)} starts it"
        )
    return "runs"


def _mapping_state(deployment: Deployment, output: str) -> str:
    return deployment.lambda_.get_event_source_mapping(UUID=deployment.output(output))["State"]


def _anonymous(url: str) -> str:
    status, body = _get(url, {})
    if status != 401 or not _has_message(body):
        raise _Unwell(f"{url} answers {status}, where 401 with a message is due")
    return "401, as it should be"


def _listing(url: str, caller: Caller) -> str:
    headers = {
        "Authorization": f"Bearer {caller.token}",
        "x-workspace-id": str(caller.workspace_id),
    }
    status, body = _get(f"{url}?per_page=1", headers)
    if status != 200 or not isinstance(body, dict) or "items" not in body:
        said = body.get("message") if isinstance(body, dict) else None
        raise _Unwell(f"answers {status}: {said}")
    return f"200, rows: {len(body['items'])}"


def _has_message(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("message"), str)


def _get(url: str, headers: Mapping[str, str]) -> tuple[int, object]:
    if not url.startswith(("http://", "https://")):
        raise _Unwell("the stack has no output ApiUrl: deploy the current template")
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, _json(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read())
    except OSError as error:
        raise _Unwell(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


def _json(text: bytes) -> object:
    try:
        content: object = json.loads(text)
    except ValueError:
        return None
    return content
