"""The recorder marks a late row before it writes the row; other changes need no mark."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from botocore.exceptions import ClientError

from tests.support.recording import LATER, NOW, Event, recorded
from workspace_usage.errors import StoreUnavailable
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.rollups.blocks import LATE
from workspace_usage.rows.tables import Tables

CREATED: Final = datetime(2026, 3, 1, 11, tzinfo=UTC)
"""When the row of ``recorded`` was created."""

TABLES: Final = Tables("executions", "archived", "edited", "rollups", "tokens", "members")


class Client:
    """Tables that remember the order in which they were written.

    Attributes:
        steps: what was written and requested, in its order.
        takes_marks: whether marks can be put.
    """

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=LookupError, TransactionCanceledException=LookupError
    )

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.takes_marks = True
        self._rows: dict[str, Any] = {}

    def request_count(self, workspace_id: int) -> None:
        """Takes a request to count."""
        self.steps.append(f"request {workspace_id}")

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Returns a row."""
        item = self._rows.get(request["TableName"])
        return {} if item is None else {"Item": item}

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Takes a mark."""
        assert request["TableName"] == TABLES.rollups
        if not self.takes_marks:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        self.steps.append("mark " + request["Item"]["sort_key"]["S"].rpartition("/")[2])
        return {}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Writes rows, and no counts."""
        self.steps.append("write")
        for kind, write in (next(iter(item.items())) for item in request["TransactItems"]):
            assert write["TableName"] != TABLES.rollups
            if kind == "Put":
                self._rows[write["TableName"]] = write["Item"]
        return {}


def apply(client: Client, event: Event, now: datetime = NOW) -> Outcome:
    """Applies an event with a new recorder, which remembers no marks."""
    recorder = Recorder(cast(Any, client), TABLES, client.request_count)
    return recorder.apply(parse_event(event, LATER), now).outcome


def test_a_late_row_is_marked_before_it_is_written() -> None:
    """Its workspace is requested to be counted before that, so that each mark has a request."""
    client = Client()
    assert apply(client, recorded(0), CREATED + LATE + timedelta(seconds=1)) is Outcome.APPLIED
    assert client.steps == ["request 11", "mark 2026-03-01T11", "write"]


def test_a_row_that_comes_in_time_needs_no_mark() -> None:
    """It is counted when it is older."""
    client = Client()
    assert apply(client, recorded(0), CREATED + LATE) is Outcome.APPLIED
    assert client.steps == ["write"]


def test_a_late_row_is_not_written_if_it_can_not_be_marked() -> None:
    """Its message is retried."""
    client = Client()
    client.takes_marks = False
    with pytest.raises(StoreUnavailable):
        apply(client, recorded(0))
    assert client.steps == ["request 11"]


@pytest.mark.parametrize(
    ("event", "outcome"), [(recorded(2), Outcome.REPEATED), (recorded(1), Outcome.OVERTAKEN)]
)
def test_a_change_without_effect_needs_no_mark(event: Event, outcome: Outcome) -> None:
    client = Client()
    apply(client, recorded(2))
    client.steps.clear()
    assert apply(client, event) is outcome
    assert client.steps == []
