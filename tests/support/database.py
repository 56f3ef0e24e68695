"""Databases in DynamoDB Local, with the real template's tables.

The tables have the same names as the tables in memory (``memory_dynamodb``), so helpers that are
written for those work with these too.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never, cast
from uuid import uuid4

import boto3
import orjson

from local.aws import CLIENT_CONFIG, session
from local.store.provision import make_table
from local.template.template import Template
from tests.support import loading, memory_dynamodb
from tests.support.loading import Requests
from tests.support.memory_dynamodb import MemoryDynamoDB
from usagectl.loading.loader import Loader
from usagectl.loading.report import LoadReport
from usagectl.resources import Resources
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.reader import DYNAMODB, Reader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAMES: Final = memory_dynamodb.NAMES
EXPORTS: Final = "exports"
"""The table of exports."""

_NAMES_BY_LOGICAL_ID: Final = {
    "ExecutionsTable": NAMES.executions,
    "ArchivedExecutionsTable": NAMES.archived_executions,
    "EditedChatsTable": NAMES.edited_chats,
    "AccessTokensTable": NAMES.access_tokens,
    "MembershipsTable": NAMES.memberships,
    "RollupsTable": NAMES.rollups,
    "ExportsTable": EXPORTS,
}


@contextmanager
def database(url: str, template: Template) -> Iterator["DynamoDBClient"]:
    """Yields a client of a new database that has the template's tables, all of them empty."""
    client = _session().client(
        "dynamodb",
        endpoint_url=url,
        config=CLIENT_CONFIG,
        # DynamoDB Local has a database for each access key.
        aws_access_key_id=uuid4().hex,
        aws_secret_access_key="local",
    )
    with closing(client):
        for table in template.of_type("AWS::DynamoDB::Table"):
            make_table(replace(table, name=_NAMES_BY_LOGICAL_ID[table.logical_id]), client)
        yield client


@cache
def _session() -> boto3.Session:
    """Returns one session for all clients: each session parses botocore's files again."""
    return session()


def reader_of(client: "DynamoDBClient") -> Reader:
    """Returns a reader like a function's. A call whose first attempt fails fails the test."""
    credentials = cast(Any, client)._request_signer._credentials

    def fallback(operation: str, _: object) -> Never:
        raise AssertionError(f"the first attempt of {operation} failed")

    return Reader(
        DYNAMODB,
        client.meta.endpoint_url,
        client.meta.region_name,
        fallback,
        lambda: Credentials(credentials.access_key, credentials.secret_key, credentials.token),
        orjson.loads,
    )


def copy_to_memory(client: "DynamoDBClient") -> MemoryDynamoDB:
    """Returns the tables of the database, with their items, as tables in memory."""
    memory = MemoryDynamoDB()
    for table, items in memory.tables.items():
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                items[str(len(items))] = dict(item)
    return memory


@dataclass
class Parameters:
    """Systems Manager's parameters, as far as an import needs them."""

    values: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803
        """Sets a parameter."""
        assert (Type, Overwrite) == ("String", True)
        self.values[Name] = Value


def resources_of(
    client: object,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    requests: Requests | None = None,
) -> Resources:
    """Returns the database of ``client`` as the resources of imports without media.

    Args:
        client: a client of the database.
        clock: gives the time of marks.
        requests: takes requests to count.
    """
    resources = loading.resources_of(client, clock, requests)
    return replace(resources, tables=NAMES, s3=cast(Any, None), ssm=cast(Any, Parameters()))


def load(folder: Path, client: object) -> LoadReport:
    """Imports a data set as an operator does. A rejected line fails the test."""
    report = Loader(resources_of(client)).load(folder)
    assert report.rejected == 0
    return report
