"""How exports are read: as they are now, and also if another version has written them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from workspace_usage.access.scope import WholeWorkspace
from workspace_usage.exporting.export import Export, Owner
from workspace_usage.exporting.store import SLOTS, ExportStore


class Client:
    """A table without exports, which notes what is read."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Returns nothing."""
        self.requests.append(request)
        return {}


def test_an_export_is_read_as_it_is_now() -> None:
    """A caller finds what they have just started, and a run goes on where the last one ended."""
    client = Client()
    assert ExportStore(cast(Any, client), "exports").read(Owner(11, 1), "a" * 32) is None
    assert [request["ConsistentRead"] for request in client.requests] == [True]


class UnreadableClient:
    """A table whose slots are taken by exports of another version of the service."""

    exceptions = SimpleNamespace(TransactionCanceledException=LookupError)

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []

    def query(self, **_: Any) -> dict[str, Any]:
        """Returns the slots."""
        taken = {"workspace_id": {"N": "11"}, "export_id": {"S": "a" * 32}}
        return {"Items": [{**taken, "item_key": {"S": slot}} for slot in SLOTS]}

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Returns an export that can't be read."""
        return {"Item": {"content": {"B": b"?"}}}

    def transact_write_items(self, **request: Any) -> None:
        """Takes a new export."""
        self.started.append(request)


def test_an_export_that_can_t_be_read_holds_no_slot() -> None:
    """No run can go on with it. Its owner would be refused until it is deleted."""
    client, now = UnreadableClient(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    scope = WholeWorkspace(11)
    export = Export(Owner(11, 1), "b" * 32, "csv", scope, None, "usage.csv.gz", now, now)
    ExportStore(cast(Any, client), "exports").start(export)
    assert len(client.started) == 1
