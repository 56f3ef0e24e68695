"""The counter function on the template's tables and queue: each workspace of a batch once."""

import json
from collections.abc import Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any, Final

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import Context
from workspace_usage.rollups.blocks import READ
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rollups.writing import COMMIT

ROWS: Final = MIN_ROWS + 20

LONG: Final = 900_000
"""The milliseconds of a run that has just begun."""


@pytest.fixture
def tables(clients: Clients, template: Template) -> CountedTables:
    """The tables, with old rows in the workspaces 11 and 12."""
    found = CountedTables(clients, template)
    for workspace_id in (11, 12):
        found.put_rows(workspace_id, range(1, ROWS + 1))
    return found


def count(counter: ModuleType, *bodies: object, remaining: tuple[int, ...] = (LONG,)) -> list[str]:
    """Has a batch of messages counted, and returns the ids of the messages to deliver again."""
    response = counter.lambda_handler(count_batch(*bodies), Context(remaining=[*remaining]))
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def lines(capsys: pytest.CaptureFixture[str]) -> list[Mapping[str, Any]]:
    """The log lines and metrics that were printed last."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class Requests:
    """Takes the requests that the counter sends.

    Attributes:
        sent: each one's workspace, and the time after which it arrives.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[int, timedelta]] = []

    def request(self, workspace_id: int, after: timedelta) -> None:
        """Takes a request."""
        self.sent.append((workspace_id, after))


@pytest.fixture
def requests(counter: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Requests:
    """What the counter sends, in place of its queue."""
    taken = Requests()
    monkeypatch.setattr(counter, "queue", lambda: taken)
    return taken


def test_each_workspace_of_a_batch_is_counted_once(
    counter: ModuleType,
    tables: CountedTables,
    requests: Requests,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However many messages ask for it. Nothing is left to do."""
    assert count(counter, 11, 12, 11) == []
    assert (tables.counted_rows(11), tables.counted_rows(12)) == (ROWS, ROWS)
    assert requests.sent == []
    printed = lines(capsys)
    counted = [line for line in printed if line.get("message") == "counted"]
    assert [line["counted_workspace_id"] for line in counted] == [11, 12]
    [metrics] = [line for line in printed if "WorkspacesReceived" in line]
    assert metrics["WorkspacesReceived"] == [2]
    assert metrics["RowsCounted"] == [ROWS, ROWS]
    assert (metrics["WorkspacesFailed"], metrics["WorkspacesUnavailable"]) == ([0], [0])


def test_a_message_that_is_not_a_request_is_dropped(
    counter: ModuleType, tables: CountedTables, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would never be understood."""
    assert count(counter, "no JSON", 11) == []
    assert tables.counted_rows(11) == ROWS
    [dropped] = [line for line in lines(capsys) if line.get("message") == "dropped"]
    assert (dropped["level"], dropped["message_id"]) == ("WARNING", "m0")


def test_after_a_store_that_does_not_answer_no_other_workspace_is_tried(
    counter: ModuleType,
    tables: CountedTables,
    requests: Requests,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All of them are requested again, some minutes later."""
    tables.delete("Executions")
    assert count(counter, 11, 12, 11) == []
    assert requests.sent == [(11, counter.TIME_TO_RECOVER), (12, counter.TIME_TO_RECOVER)]
    printed = lines(capsys)
    assert [line["counted_workspace_id"] for line in printed if "reason" in line] == [11]
    [metrics] = [line for line in printed if "WorkspacesReceived" in line]
    assert (metrics["WorkspacesUnavailable"], metrics["WorkspacesFailed"]) == ([2], [0])
    assert metrics["WorkspacesPutBack"] == [1, 1]


def test_without_time_the_rest_of_a_batch_is_requested_again_at_once(
    counter: ModuleType, tables: CountedTables, clients: Clients, template: Template
) -> None:
    """The message does not wait for the queue's delay. There are no rows in workspace 10."""
    assert count(counter, 10, 11, remaining=(counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP)) == []
    assert tables.counted_rows(11) == 0
    queue = template.resources["CountQueue"].ref
    [message] = clients.sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"workspace_id": 11}


def test_counting_continues_in_another_run(
    counter: ModuleType,
    tables: CountedTables,
    requests: Requests,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If time is over before everything is counted."""
    times = (counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP + 1, counter.TIME_TO_STOP)
    assert count(counter, 11, remaining=times) == []
    [(workspace_id, after)] = requests.sent
    assert workspace_id == 11
    assert after <= timedelta(seconds=1)
    [metrics] = [line for line in lines(capsys) if "WorkspacesReceived" in line]
    assert metrics["WatermarkLag"][0] > 3600
    assert metrics["WorkspacesPutBack"] == [1]
    assert count(counter, 11) == []
    assert tables.counted_rows(11) == ROWS
    assert len(requests.sent) == 1


def test_what_a_mark_overlaps_is_counted_again_and_looked_at_a_minute_later(
    counter: ModuleType,
    tables: CountedTables,
    requests: Requests,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A reader may use the old counts until the commit has taken effect and readers have ended."""
    tables.count(11, age=timedelta(hours=1))
    tables.put_mark(11, 1, age=timedelta(minutes=4))
    assert count(counter, 11) == []
    [(workspace_id, after)] = requests.sent
    assert workspace_id == 11
    assert abs(after - (COMMIT + READ)) <= timedelta(seconds=10)
    assert tables.marks(11).marked_at
    [metrics] = [line for line in lines(capsys) if "WorkspacesReceived" in line]
    assert metrics["StaleBlocks"] == [1]
    assert 240 <= metrics["OldestMarkAge"][0] < 300


def test_a_mark_that_is_too_young_is_left_to_the_request_of_its_writer(
    counter: ModuleType, tables: CountedTables, requests: Requests
) -> None:
    """The request was sent before the mark was put, and comes four minutes later."""
    tables.count(11, age=timedelta(hours=1))
    tables.put_mark(11, 1, age=timedelta())
    assert count(counter, 11) == []
    assert requests.sent == []
    assert tables.marks(11).marked_at


def test_an_unexpected_failure_stops_no_other_workspace(
    counter: ModuleType,
    tables: CountedTables,
    requests: Requests,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SQS delivers its messages again. It is counted, and nothing of the row is logged."""
    tables.spoil_row(11)
    assert count(counter, 11, 12, 11) == ["m0", "m2"]
    assert tables.counted_rows(12) == ROWS
    assert requests.sent == []
    printed = capsys.readouterr().out
    assert '"WorkspacesFailed":[1.0]' in printed
    assert "example.com" not in printed


def test_messages_are_delivered_again_if_the_queue_takes_no_request(
    counter: ModuleType, clients: Clients, template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would take no request to try again either."""
    clients.sqs.delete_queue(QueueUrl=template.resources["CountQueue"].ref)
    no_time = (counter.TIME_TO_STOP,)
    assert count(counter, 11, 12, remaining=no_time) == ["m0", "m1"]
    [metrics] = [line for line in lines(capsys) if "WorkspacesReceived" in line]
    assert metrics["WorkspacesFailed"] == [2]
    assert "WorkspacesPutBack" not in metrics
