"""The recorder tells what became of a change, and writes only over what it has read."""

import re
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final, cast

import pytest
from botocore.exceptions import ClientError

from tests.support.functions import ROOT
from tests.support.memory_dynamodb import NAMES, TABLES, MemoryDynamoDB
from tests.support.recording import (
    LATER,
    NOW,
    Event,
    added,
    apply,
    archived,
    issued,
    listed,
    recorded,
    removed,
    revoked,
)
from workspace_usage.errors import RejectedByStore, WriteConflict
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.recorder import ROW_WRITE_ATTEMPTS, Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rows.row import Source

TEMPLATE: Final = (ROOT / "template.yaml").read_text("utf-8")
TIMEOUTS: Final = [int(seconds) for seconds in re.findall(r"\n +Timeout: (\d+)\n", TEMPLATE)]
"""The seconds after which Lambda ends each of the functions."""

RECORDER_SECONDS: Final = int(
    TEMPLATE.partition("  RecorderFunction:\n")[2].partition("Timeout: ")[2].partition("\n")[0]
)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (issued(2), issued(2), Outcome.REPEATED),
        (issued(2), issued(1), Outcome.OVERTAKEN),
        (issued(2), issued(3), Outcome.APPLIED),
        (revoked(2), revoked(2), Outcome.REPEATED),
        (revoked(2), revoked(1), Outcome.REPEATED),
        (revoked(2), issued(3), Outcome.OVERTAKEN),
        (added(2), added(2), Outcome.REPEATED),
        (added(2), removed(1), Outcome.OVERTAKEN),
        (removed(2), removed(1), Outcome.REPEATED),
        (recorded(2), recorded(2), Outcome.REPEATED),
        (recorded(2), recorded(1), Outcome.OVERTAKEN),
        (recorded(2), archived(1), Outcome.APPLIED),
        (archived(2), archived(2), Outcome.REPEATED),
        (archived(2), recorded(1), Outcome.OVERTAKEN),
    ],
)
def test_a_change_without_effect_was_either_repeated_or_overtaken(
    first: Event, second: Event, outcome: Outcome
) -> None:
    """Repeated: the tables already say so. Overtaken: they hold something that wins over it."""
    assert apply(MemoryDynamoDB(), first, second) == [Outcome.APPLIED, outcome]


def test_a_reader_finds_an_execution_in_either_order_of_tables_while_it_is_archived() -> None:
    """It may read one table before the move and the other one after it."""
    client = MemoryDynamoDB()
    apply(client, recorded(1))
    before = deepcopy(client.tables)
    apply(client, archived(2))
    after = deepcopy(client.tables)
    for current_as_of, archived_as_of in ((before, after), (after, before), (after, after)):
        client.tables = {**after, TABLES[Source.CURRENT]: current_as_of[TABLES[Source.CURRENT]]}
        client.tables[TABLES[Source.ARCHIVED]] = archived_as_of[TABLES[Source.ARCHIVED]]
        assert [row.source for row in listed(client)] == [Source.ARCHIVED]


def test_a_flagged_row_stays_longer_than_any_function_reads() -> None:
    """A reader that has read the archived rows before the move still finds it.

    DynamoDB deletes it after ``purge_at``. Then only the archived row is left.
    """
    client = MemoryDynamoDB()
    apply(client, recorded(1), archived(2))
    [flagged] = client.tables[TABLES[Source.CURRENT]].values()
    [archived_item] = client.tables[TABLES[Source.ARCHIVED]].values()
    assert "purge_at" not in archived_item
    seconds_left = int(flagged["purge_at"]["N"]) - NOW.timestamp()
    assert max(TIMEOUTS) < seconds_left <= timedelta(days=2).total_seconds()


def test_a_row_that_another_writer_changed_meanwhile_is_not_overwritten() -> None:
    """The recorder reads it again, and merges."""
    client = MemoryDynamoDB()
    apply(client, recorded(1, status="processing"))

    def archive_meanwhile() -> None:
        client.after_read = lambda: None
        apply(client, archived(3))

    client.after_read = archive_meanwhile
    apply(client, recorded(2))
    [row] = listed(client)
    assert row.source is Source.ARCHIVED


@pytest.mark.parametrize("source", [Source.CURRENT, Source.ARCHIVED])
def test_a_row_that_either_of_its_tables_never_takes_is_rejected(source: Source) -> None:
    """Otherwise its message would hold up the others as if the store did not respond.

    The row of an execution that is archived at once is the second part of its transaction.
    """
    client, tables = MemoryDynamoDB(), (TABLES[Source.CURRENT], TABLES[Source.ARCHIVED])

    def refuse(table: str, _key: str) -> None:
        if table not in tables:
            return  # a mark
        codes = ["ValidationError" if table == one else "None" for one in tables]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in codes],
        }
        raise ClientError(error, "TransactWriteItems")

    client.before_write = refuse
    with pytest.raises(RejectedByStore):
        apply(client, archived(1) if source is Source.ARCHIVED else recorded(1))


def test_a_row_that_others_keep_changing_is_given_up_after_some_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The change can then come again from its queue.

    The others get some time to finish, but not so much that the function would be ended meanwhile.
    """
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    client = MemoryDynamoDB()
    apply(client, recorded(1))
    minutes = iter(range(10, 1000))

    def change_again() -> None:
        change_after_read, client.after_read = client.after_read, lambda: None
        apply(client, recorded(next(minutes)))
        client.after_read = change_after_read

    client.after_read = change_again
    with pytest.raises(WriteConflict):
        apply(client, recorded(5000))
    # Each attempt reads two tables. The others' attempts succeed at once.
    assert next(minutes) == 10 + 2 * ROW_WRITE_ATTEMPTS
    assert len(waits) == ROW_WRITE_ATTEMPTS - 1
    assert 1 < sum(waits) < RECORDER_SECONDS / 3


def test_rows_ask_for_counting_often_enough_and_not_each_of_them() -> None:
    """Several do among so many rows that they are counted. A later status does not ask again."""
    client = MemoryDynamoDB()
    recorder = Recorder(cast(Any, client), NAMES, lambda _: None)

    def asks(number: int, minute: int = 1) -> bool:
        change = parse_event(recorded(minute, number), LATER)
        return recorder.apply(change, NOW).workspace_to_count == 11

    asking = [number for number in range(1, MIN_ROWS + 1) if asks(number)]
    assert 3 <= len(asking) <= MIN_ROWS / 10
    assert not any(asks(number, minute=2) for number in asking)
