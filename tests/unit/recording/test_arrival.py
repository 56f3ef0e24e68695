"""A row keeps the moment at which the recorder first wrote it, whatever comes later."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_dynamodb import TABLES, MemoryDynamoDB
from tests.support.recording import (
    LATER,
    NOW,
    Event,
    apply,
    archived,
    edited,
    events,
    listed,
    recorded,
)
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.writes import Outcome
from workspace_usage.rows.row import ARRIVED_AT, Source
from workspace_usage.values import from_milliseconds


def arrivals(client: MemoryDynamoDB) -> dict[str, set[datetime | None]]:
    """The arrivals that the copies of each row have, by sort key; None for a copy without one."""
    found: dict[str, set[datetime | None]] = {}
    for source in Source:
        for item in client.tables[TABLES[source]].values():
            number = item.get(ARRIVED_AT)
            arrival = None if number is None else from_milliseconds(int(number["N"]))
            found.setdefault(item["sort_key"]["S"], set()).add(arrival)
    return found


def forget_arrival(client: MemoryDynamoDB, source: Source) -> None:
    """Makes the only row of a source one that says nothing of its arrival."""
    [item] = client.tables[TABLES[source]].values()
    del item[ARRIVED_AT]


def set_arrival(client: MemoryDynamoDB, source: Source, number: int) -> None:
    """Gives the only row of a source another arrival."""
    [item] = client.tables[TABLES[source]].values()
    item[ARRIVED_AT] = {"N": str(number)}


@settings(max_examples=50)
@given(st.lists(events(subjects=2), max_size=8))
def test_every_copy_of_a_row_has_the_moment_of_the_first_event_that_came(
    sequence: list[Event],
) -> None:
    """Not of the event that happened first; later versions, edits and archiving keep it."""
    client = MemoryDynamoDB()
    first: dict[str, set[datetime | None]] = {}
    for number, event in enumerate(sequence):
        now = NOW + timedelta(milliseconds=number)
        apply(client, event, now=now)
        change = parse_event(event, LATER)
        if isinstance(change, RowChange):
            first.setdefault(change.row.position.sort_key, {now})
        assert arrivals(client) == first


@settings(max_examples=50)
@given(st.lists(events(subjects=2), max_size=6), st.data())
def test_the_clock_makes_no_difference_to_anything_else(
    sequence: list[Event], choices: st.DataObject
) -> None:
    """In any order, one event a day: except for the arrivals, the rows are the same."""
    at_once, slowly = MemoryDynamoDB(), MemoryDynamoDB()
    outcomes = apply(at_once, *sequence)
    assert outcomes == [
        outcome
        for number, event in enumerate(sequence)
        for outcome in apply(slowly, event, now=NOW + timedelta(days=number))
    ]
    shuffled = MemoryDynamoDB()
    for number, event in enumerate(choices.draw(st.permutations(sequence))):
        apply(shuffled, event, now=NOW + timedelta(days=number))
    assert listed(at_once) == listed(slowly) == listed(shuffled)


@pytest.mark.parametrize(
    ("source", "event"),
    [
        (Source.CURRENT, recorded(1)),
        (Source.ARCHIVED, archived(1)),
        (Source.EDITED, edited(1)),
    ],
)
def test_a_row_that_does_not_say_when_it_came_never_does(source: Source, event: Event) -> None:
    """It was imported, or written by an earlier version of the service."""
    client = MemoryDynamoDB()
    apply(client, event)
    forget_arrival(client, source)
    apply(client, recorded(2), archived(3), edited(4), now=NOW + timedelta(hours=1))
    apply(client, recorded(5), edited(6), now=NOW + timedelta(hours=2))
    rank = source.rank
    of_the_row = [found for key, found in arrivals(client).items() if f"#{rank}#" in key]
    assert of_the_row == [{None}]


def test_an_import_over_a_row_makes_it_one_that_was_always_there() -> None:
    """The import writes the whole item, and reads nothing before."""
    client = MemoryDynamoDB()
    apply(client, recorded(1))
    [row] = listed(client)
    client.put(row)
    apply(client, recorded(2), archived(3))
    assert list(arrivals(client).values()) == [{None}]


@pytest.mark.parametrize("imported", [Source.CURRENT, Source.ARCHIVED])
def test_a_row_with_one_imported_copy_was_always_there(imported: Source) -> None:
    """The next event that wins writes both copies without an arrival."""
    client = MemoryDynamoDB()
    apply(client, recorded(1), archived(2))
    [row] = listed(client)
    client.put(row._replace(source=imported))
    apply(client, recorded(3))
    assert list(arrivals(client).values()) == [{None}]


@pytest.mark.parametrize("imported", [Source.CURRENT, Source.ARCHIVED])
def test_an_arrival_alone_is_no_reason_to_write(imported: Source) -> None:
    """An overtaken event repairs the imported copy, and leaves the other one as it is."""
    client = MemoryDynamoDB()
    apply(client, recorded(1), archived(2))
    [row] = listed(client)
    client.put(row._replace(source=imported))
    client.writes = 0
    assert apply(client, recorded(1), recorded(1)) == [Outcome.APPLIED, Outcome.OVERTAKEN]
    assert client.writes == 1
    assert list(arrivals(client).values()) == [{NOW, None}]


@pytest.mark.parametrize("earlier", [Source.CURRENT, Source.ARCHIVED])
def test_the_earliest_arrival_of_two_copies_counts(earlier: Source) -> None:
    """As numbers: 99 is before 100."""
    client = MemoryDynamoDB()
    apply(client, recorded(1), archived(2))
    for source in (Source.CURRENT, Source.ARCHIVED):
        set_arrival(client, source, 99 if source is earlier else 100)
    apply(client, recorded(3))
    assert list(arrivals(client).values()) == [{from_milliseconds(99)}]


def test_a_row_that_another_writer_puts_first_has_its_arrival() -> None:
    """The slower one reads again, and finds it."""
    client = MemoryDynamoDB()

    def record_meanwhile() -> None:
        client.after_read = lambda: None
        apply(client, recorded(1), now=NOW)

    client.after_read = record_meanwhile
    apply(client, recorded(2), now=NOW + timedelta(seconds=1))
    assert list(arrivals(client).values()) == [{NOW}]


def test_a_row_that_was_deleted_comes_a_second_time() -> None:
    client = MemoryDynamoDB()
    apply(client, recorded(1))
    [row] = listed(client)
    client.delete(row)
    later = NOW + timedelta(hours=1)
    apply(client, recorded(1), now=later)
    assert list(arrivals(client).values()) == [{later}]
