"""Databases in DynamoDB Local, with the real template's tables.

The tables have the names of the tables in memory (``memory_client``, ``memory_writer``): what is
written for those can be asked of these.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never, cast
from uuid import uuid4

import orjson

from local.aws import CONFIG, session
from local.provision import make_table
from local.template import Template
from tests.support.memory_client import ROLLUPS, TABLES
from tests.support.memory_writer import MemoryWriter
from usagectl.loading.loader import Loader
from usagectl.loading.report import LoadReport
from usagectl.resources import Resources
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.rows.row import Source
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAMES: Final = Tables(
    executions=TABLES[Source.CURRENT],
    archived_executions=TABLES[Source.ARCHIVED],
    edited_chats=TABLES[Source.EDITED],
    access_tokens="access_tokens",
    memberships="memberships",
    rollups=ROLLUPS,
)
_NAMES_BY_LOGICAL_ID: Final = {
    "ExecutionsTable": NAMES.executions,
    "ArchivedExecutionsTable": NAMES.archived_executions,
    "EditedChatsTable": NAMES.edited_chats,
    "AccessTokensTable": NAMES.access_tokens,
    "MembershipsTable": NAMES.memberships,
    "RollupsTable": NAMES.rollups,
}


@contextmanager
def database(url: str, template: Template) -> Iterator["DynamoDBClient"]:
    """A client of a database of its own, with the template's tables, all of them empty."""
    client = session().client(
        "dynamodb",
        endpoint_url=url,
        config=CONFIG,
        # DynamoDB Local keeps the tables of different keys apart.
        aws_access_key_id=uuid4().hex,
        aws_secret_access_key="local",
    )
    with closing(client):
        for table in template.of_type("AWS::DynamoDB::Table"):
            make_table(replace(table, name=_NAMES_BY_LOGICAL_ID[table.logical_id]), client)
        yield client


def reader_of(client: "DynamoDBClient") -> Reader:
    """Reads from the database as a function does; a call that fails at once fails the test."""
    credentials = cast(Any, client)._request_signer._credentials

    def again(operation: str, _: object) -> Never:
        raise AssertionError(f"{operation} did not succeed at once")

    return Reader(
        DYNAMODB,
        client.meta.endpoint_url,
        client.meta.region_name,
        again,
        lambda: Credentials(credentials.access_key, credentials.secret_key, credentials.token),
        orjson.loads,
    )


def snapshot(client: "DynamoDBClient") -> MemoryWriter:
    """What the database holds by now, as tables in memory."""
    memory = MemoryWriter()
    for table, items in memory.tables.items():
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                items[str(len(items))] = dict(item)
    return memory


@dataclass
class Parameters:
    """Systems Manager, as far as loading a data set needs it."""

    values: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803
        """Sets a parameter."""
        assert (Type, Overwrite) == ("String", True)
        self.values[Name] = Value


def destination(client: object) -> Resources:
    """The database of ``client`` as the import's destination. There is nowhere for media to go."""
    return Resources(
        tables=NAMES,
        bucket="media",
        min_date_parameter="min-date",
        dynamodb=cast(Any, client),
        s3=cast(Any, None),
        ssm=cast(Any, Parameters()),
        zone=UTC,
    )


def load(folder: Path, client: object) -> LoadReport:
    """Loads a data set, of which nothing may be rejected, as an operator does."""
    report = Loader(destination(client)).load(folder)
    assert report.rejected == 0
    return report
