"""The template's resources in moto, made once; what a test changes in them is undone afterwards."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest
from botocore.client import BaseClient

from local.store.clients import Clients, Endpoints
from local.store.provision import make_table, provision
from local.template.template import Template

_READS: Final = ("Get", "List", "Describe", "Query", "Scan", "Receive")
"""What the names of operations begin with that change nothing that matters."""

_WRITES_TO_BUCKETS: Final = (
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
)
"""Operations whose effects stay: no two tests write the same key."""


class Provisioned:
    """A template's resources, and which of them were changed since they were restored.

    It knows the calls that botocore makes in this process; nothing else writes.

    Args:
        template: declares the resources.
        endpoints: the addresses of moto's services.
    """

    def __init__(self, template: Template, endpoints: Endpoints) -> None:
        self.clients: Final = Clients.at(endpoints)
        self._template, self._url = template, endpoints.dynamodb
        self._tables: set[str] = set()
        self._are_queues_changed = self._is_more_changed = False
        provision(template, self.clients)

    def close(self) -> None:
        """Closes the clients."""
        clients = self.clients
        for client in (
            clients.dynamodb,
            clients.dynamodb_once,
            clients.events,
            clients.s3,
            clients.sqs,
            clients.ssm,
        ):
            client.close()

    def note(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Notes what a call may change."""
        if operation.startswith(_READS) or operation in _WRITES_TO_BUCKETS:
            return
        tables = set(_tables_of(parameters))
        self._tables |= tables
        if operation in {"SendMessage", "DeleteMessage", "PutEvents"}:
            self._are_queues_changed = True
        elif not tables:
            self._is_more_changed = True

    def restore(self) -> None:
        """Makes everything what it was when it was provisioned."""
        if self._is_more_changed:
            httpx.post(f"{self._url}/moto-api/reset").raise_for_status()
            provision(self._template, self.clients)
        else:
            self._replace_tables()
            if self._are_queues_changed:
                for queue in self._template.of_type("AWS::SQS::Queue"):
                    self.clients.sqs.purge_queue(QueueUrl=queue.ref)
        self._tables.clear()
        self._are_queues_changed = self._is_more_changed = False

    def _replace_tables(self) -> None:
        client = self.clients.dynamodb
        for table in self._template.of_type("AWS::DynamoDB::Table"):
            if table.name in self._tables:
                with suppress(client.exceptions.ResourceNotFoundException):
                    client.delete_table(TableName=table.name)
                make_table(table, client)


def _tables_of(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of the tables that a call names."""
    if "TableName" in parameters:
        yield parameters["TableName"]
    yield from parameters.get("RequestItems", ())
    for item in parameters.get("TransactItems", ()):
        for write in item.values():
            yield write["TableName"]


def note_calls(provisioned: Provisioned, patch: pytest.MonkeyPatch) -> None:
    """Notes all calls that botocore makes until ``patch`` is undone."""
    make_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noting(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        provisioned.note(operation, parameters)
        return make_call(client, operation, parameters)

    patch.setattr(BaseClient, "_make_api_call", noting)
