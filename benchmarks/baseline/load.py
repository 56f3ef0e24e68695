"""An import, written in a day: a pydantic model for each line, and boto3's batch writer.

It is a script that reads one line after the other and writes what it can use. It has no checkpoint
and no marks of counts.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from pydantic import BaseModel, ValidationError


class Agent(BaseModel):
    """The agent that ran."""

    title: str
    slug: str
    type: str


class Payload(BaseModel):
    """A line of the file of executions."""

    id: int
    workspace_id: int
    user_id: int
    user_email: str
    created_at: str
    agent: Agent
    status: str
    credits: Decimal
    output: str | None = None
    root_id: int | None = None
    used_model: str | None = None


def to_item(payload: Payload) -> dict[str, Any]:
    """Returns the item of an execution."""
    item = {
        "workspace_id": payload.workspace_id,
        "sort_key": f"{payload.created_at}#0#{payload.id:020}",
        "user_id": payload.user_id,
        "user_email": payload.user_email,
        "agent_type": payload.agent.type,
        "agent_title": payload.agent.title,
        "agent_slug": payload.agent.slug,
        "status": payload.status,
        "credits": payload.credits,
        "output": payload.output,
        "root_id": payload.root_id,
        "used_model": payload.used_model,
    }
    return {name: value for name, value in item.items() if value is not None}


def main(path: Path, table_name: str, endpoint: str) -> None:
    """Loads a file of executions."""
    table: Any = boto3.resource("dynamodb", endpoint_url=endpoint).Table(table_name)
    with (
        path.open("rb") as file,
        table.batch_writer(overwrite_by_pkeys=["workspace_id", "sort_key"]) as writer,
    ):
        for number, line in enumerate(file, 1):
            try:
                payload = Payload.model_validate(json.loads(line, parse_float=Decimal))
            except (ValueError, ValidationError) as error:
                sys.stderr.write(f"{path.name}:{number}: {error}\n")
            else:
                writer.put_item(Item=to_item(payload))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
