"""The local stack with the rows that benchmarks read, and the events that request them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.packages import ROOT
from local.dynamodb.process import DynamoDBLocal
from local.functions.configuration import FunctionConfiguration
from local.stack import Stack
from usagectl.loading.loader import Loader

CHAT_WORKSPACE: Final = 21
MEDIA_WORKSPACE: Final = 22
ROWS_PER_WORKSPACE: Final = 150
"""More than a page."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The local stack, and the environments of its functions."""

    stack: Stack

    def variables(self, function: str) -> Mapping[str, str]:
        """Returns a function's environment variables, as the local stack sets them."""
        resource = self.stack.template.resources[f"{function.capitalize()}Function"]
        clients = self.stack.clients
        endpoints = {
            f"AWS_ENDPOINT_URL_{name.upper()}": getattr(clients, name).meta.endpoint_url
            for name in ("dynamodb", "s3", "ssm", "sqs")
        }
        made = FunctionConfiguration.from_template(
            self.stack.template, resource, endpoints
        ).environment
        return {name: value for name, value in made.items() if name != "PYTHONPATH"}


@contextmanager
def running_deployment() -> Iterator[Deployment]:
    """Runs the stack on DynamoDB Local, with a workspace of chats and one of images.

    Raises:
        StartError: DynamoDB Local can't run here.
    """
    with (
        DynamoDBLocal() as engine,
        Stack.start(dynamodb_endpoint=engine.url) as stack,
        TemporaryDirectory() as folder,
    ):
        _write(Path(folder), datetime.now(UTC))
        Loader(stack.resources).load(Path(folder))
        yield Deployment(stack)


def usage_event(workspace_id: int, per_page: int) -> dict[str, Any]:
    """Returns API Gateway's event for a request of a workspace's first page."""
    event = _event("usage-first-page")
    event["headers"]["x-workspace-id"] = str(workspace_id)
    event["multiValueHeaders"]["x-workspace-id"] = [str(workspace_id)]
    event["queryStringParameters"] = {"per_page": str(per_page)}
    event["multiValueQueryStringParameters"] = {"per_page": [str(per_page)]}
    event["requestContext"]["authorizer"]["workspace_id"] = str(workspace_id)
    return event


def authorizer_event() -> dict[str, Any]:
    """Returns API Gateway's event to the authorizer, with a valid token."""
    event = _event("authorizer-allowed-everyone")
    event["headers"]["x-workspace-id"] = str(CHAT_WORKSPACE)
    return event


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
    return event


def _write(folder: Path, now: datetime) -> None:
    token = {
        "id": 1,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 1,
        "token": sha256(b"demo-ana").hexdigest(),
        "abilities": ["use_agents"],
        "created_at": _timestamp(now),
    }
    members = [
        {"workspace_id": workspace, "user_id": 1, "permissions": ["read_users_activity"]}
        for workspace in (CHAT_WORKSPACE, MEDIA_WORKSPACE)
    ]
    runs = [
        _run(workspace, number, now - timedelta(minutes=number))
        for workspace in (CHAT_WORKSPACE, MEDIA_WORKSPACE)
        for number in range(1, ROWS_PER_WORKSPACE + 1)
    ]
    for name, lines in (("tokens", [token]), ("members", members), ("executions", runs)):
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"{name}.ndjson").write_text(text, "utf-8")


def _run(workspace_id: int, number: int, moment: datetime) -> dict[str, Any]:
    is_chat = workspace_id == CHAT_WORKSPACE
    return {
        "id": 100_000 + number,
        "workspace_id": workspace_id,
        "user_id": 1 + number % 7,
        "user_email": f"user{1 + number % 7}@example.com",
        "created_at": _timestamp(moment),
        "agent": {
            "title": "Assistant" if is_chat else "Image Studio",
            "slug": "assistant" if is_chat else "image-studio",
            "type": "chat" if is_chat else "image",
        },
        "status": "succeeded",
        "credits": 0.0625 * number,
        "output": None if is_chat else f"outputs/2026/03/{number}/picture {number}.png",
        "root_id": number if number % 3 else None,
        "metadata": {"execution_origin": "api"},
        "used_model": "gpt-5",
        "detailed_credits": {
            "billing": "tokens" if is_chat else "units",
            "input_tokens": 10 * number,
            "output_tokens": number,
            "total_tokens": 11 * number,
        },
    }


def _timestamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
