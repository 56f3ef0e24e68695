"""Events come twice, late and in any order; the tables end as if each came once, in order."""

from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_dynamodb import NAMES, TABLES, MemoryDynamoDB
from tests.support.recording import (
    NOW,
    Event,
    added,
    apply,
    apply_in_order,
    archived,
    edited,
    events,
    issued,
    let_in,
    listed,
    recorded,
    removed,
    revoked,
    token,
)
from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.events import EVENTS
from workspace_usage.recording.writes import Outcome
from workspace_usage.rows.row import Source
from workspace_usage.values import format_timestamp

DIFFERENT_DIGESTS: Final = range(1, 17)
"""Numbers of subjects. Each has digests of its own, so half of them are in either order."""

# --- All events -----------------------------------------------------------------------------------


KINDS_OF_SUBJECTS: Final = (
    ("ExecutionRecorded", "ExecutionArchived"),
    ("ChatEdited",),
    ("AccessTokenIssued", "AccessTokenChanged", "AccessTokenRevoked"),
    ("WorkspaceMemberAdded", "WorkspaceMemberChanged", "WorkspaceMemberRemoved"),
)
"""The events of each kind of subject. What happens to a subject concerns no other one."""


def test_every_event_has_its_subject() -> None:
    assert {kind for kinds in KINDS_OF_SUBJECTS for kind in kinds} == set(EVENTS)


def histories() -> st.SearchStrategy[list[Event]]:
    """Returns events that all concern one subject."""
    return st.sampled_from(KINDS_OF_SUBJECTS).flatmap(
        lambda kinds: st.lists(events(kinds, subjects=1), max_size=6)
    )


@settings(max_examples=200)
@given(histories(), st.data())
def test_order_and_repetition_make_no_difference(
    sequence: list[Event], choices: st.DataObject
) -> None:
    """The same rows are listed and the same people let in, whatever order the events come in."""
    repeated = sequence + (choices.draw(st.lists(st.sampled_from(sequence))) if sequence else [])
    shuffled, in_order = MemoryDynamoDB(), apply_in_order(sequence)
    apply(shuffled, *choices.draw(st.permutations(repeated)))
    assert listed(shuffled) == listed(in_order)
    assert let_in(shuffled) == let_in(in_order)


@settings(max_examples=50)
@given(st.lists(events(subjects=1), max_size=8))
def test_the_same_events_again_write_nothing(sequence: list[Event]) -> None:
    """An hour later, too: the moment at which a flagged row goes does not move."""
    client = MemoryDynamoDB()
    apply(client, *sequence)
    before, client.writes = deepcopy(client.tables), 0
    apply(client, *sequence, now=NOW + timedelta(hours=1))
    assert client.tables == before
    assert client.writes == 0


# --- Executions -----------------------------------------------------------------------------------


def test_a_later_status_replaces_an_earlier_one_and_never_the_other_way() -> None:
    """Whichever comes last."""
    client = MemoryDynamoDB()
    apply(client, recorded(2), recorded(1, status="processing"))
    assert [row.status for row in listed(client)] == ["succeeded"]
    apply(client, recorded(3, status="failed"))
    assert [row.status for row in listed(client)] == ["failed"]


@pytest.mark.parametrize("order", [1, -1], ids=["success first", "success last"])
@pytest.mark.parametrize("other", ["processing", "failed"])
def test_at_the_same_moment_a_success_is_the_later_status(other: str, order: int) -> None:
    """A success is final, whichever of the digests is the greater one: so there are many."""
    client = MemoryDynamoDB()
    for number in DIFFERENT_DIGESTS:
        apply(client, *[recorded(1, number), recorded(1, number, other)][::order])
        apply(client, *[edited(1, number), edited(1, number, other)][::order])
    assert {row.status for row in listed(client)} == {"succeeded"}


@given(
    st.sampled_from(DIFFERENT_DIGESTS),
    st.lists(
        st.tuples(st.sampled_from(["succeeded", "failed", "processing"]), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    ),
)
def test_the_latest_status_wins_and_at_the_same_moment_a_success(
    number: int, sequence: list[tuple[str, int]]
) -> None:
    """If there is no success among the latest ones, any of them may win."""
    client = MemoryDynamoDB()
    for status, minute in sequence:
        apply(client, recorded(minute, number, status))
    latest = max(minute for _, minute in sequence)
    found = {status for status, minute in sequence if minute == latest}
    [row] = listed(client)
    assert row.status in ({"succeeded"} & found or found)


@pytest.mark.parametrize("order", [1, -1], ids=["recorded first", "archived first"])
def test_an_archived_execution_stays_archived_and_keeps_the_newest_key(order: int) -> None:
    """The key is never shown: it is kept so that an erasure can find the object."""
    client = MemoryDynamoDB()
    sequence = [recorded(1), archived(2), recorded(3, status="failed")]
    apply(client, *sequence[::order])
    [row] = listed(client)
    assert (row.source, row.status) == (Source.ARCHIVED, "failed")
    assert row.output == "images/1-failed.png"
    assert "images/1-succeeded.png" not in str(client.tables)


@pytest.mark.parametrize("order", [1, -1], ids=["recorded first", "archived first"])
def test_the_url_of_an_archived_output_is_in_no_table(order: int) -> None:
    """Unlike a key, it is of no use to an erasure."""
    client = MemoryDynamoDB()
    event = recorded(1)
    event["detail"]["execution"]["output"] = "https://example.com/1.png"
    apply(client, *[event, archived(0)][::order])
    [row] = listed(client)
    assert (row.source, row.output) == (Source.ARCHIVED, None)
    assert "example.com/1.png" not in str(client.tables)


def test_an_archived_success_is_final_too() -> None:
    """The archived row says whether the execution succeeded, and what it cost."""
    client = MemoryDynamoDB()
    for number in DIFFERENT_DIGESTS:
        apply(client, archived(1, number), recorded(1, number, "processing"))
    assert {(row.source, row.status) for row in listed(client)} == {(Source.ARCHIVED, "succeeded")}


def test_an_imported_row_is_older_than_any_event() -> None:
    """It has no version."""
    client = MemoryDynamoDB()
    apply(client, recorded(1, status="processing"))
    [imported] = client.tables[TABLES[Source.CURRENT]].values()
    del imported["version"]
    apply(client, recorded(0))
    assert [row.status for row in listed(client)] == ["succeeded"]


# --- Tokens and members ---------------------------------------------------------------------------


def test_a_removal_stays_when_what_it_removes_comes_later() -> None:
    """A token that was revoked, and a member who was removed, before the recorder knew them."""
    client = MemoryDynamoDB()
    apply(client, revoked(2), issued(1, "*"), removed(2, 2), added(1, 2))
    assert let_in(client) == (None,) * 6


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.booleans()), max_size=6))
def test_a_revocation_wins_over_all_events_of_a_token_else_the_latest_wins(
    sequence: list[tuple[bool, int, bool]],
) -> None:
    """Whenever the token was revoked, and in whatever order the events come."""
    client, latest = MemoryDynamoDB(), -1
    for is_revocation, minute, may_all in sequence:
        apply(client, revoked(minute) if is_revocation else issued(minute, *["*"][:may_all]))
        latest = max(latest, minute)
    found = let_in(client)[0]
    if not sequence or any(is_revocation for is_revocation, _, _ in sequence):
        assert found is None
        return
    assert isinstance(found, AccessToken)
    assert found.abilities in [
        frozenset(["*"][:may_all]) for _, minute, may_all in sequence if minute == latest
    ]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6))
def test_the_latest_event_of_a_member_wins_and_at_the_same_moment_a_removal(
    sequence: list[tuple[bool, int]],
) -> None:
    """A member can come back, but not at the moment of the removal.

    Each has other permissions, so that a removal's digest is greater for some of them.
    """
    client = MemoryDynamoDB()
    for number, permissions in enumerate(((), ("a",), ("b",)), 1):
        for is_removal, minute in sequence:
            event = removed(minute, number) if is_removal else added(minute, number, *permissions)
            apply(client, event)
    latest = max(minute for _, minute in sequence)
    is_removed = (True, latest) in sequence
    assert [member is None for member in let_in(client)[3:]] == [is_removed] * 3


@pytest.mark.parametrize("order", [1, -1], ids=["removal first", "removal last"])
def test_at_the_same_moment_a_removal_is_the_later_event(order: int) -> None:
    """A removal is final, whichever of the digests is the greater one: so there are many."""
    client = MemoryDynamoDB()
    for number in DIFFERENT_DIGESTS:
        apply(client, *[removed(1, number), added(1, number, "*")][::order])
    memberships = client.tables[NAMES.memberships].values()
    assert len(memberships) == len(DIFFERENT_DIGESTS)
    assert all(TOMBSTONE_FLAG in item for item in memberships)


def test_a_revoked_token_does_not_come_back_and_a_removed_member_can() -> None:
    """No later change brings the token back, and no tombstone is ever deleted."""
    client = MemoryDynamoDB()
    apply(client, issued(1), revoked(2), removed(2, 2))
    moment = format_timestamp(NOW + timedelta(minutes=2, microseconds=1))
    change: dict[str, Any] = {"occurred_at": moment, "token": token(1, "*")}
    for kind in ("AccessTokenChanged", "AccessTokenIssued"):
        assert apply(client, {"detail-type": kind, "detail": change}) == [Outcome.OVERTAKEN]
    assert let_in(client)[0] is None
    tombstones = [*client.tables["access_tokens"].values(), *client.tables["memberships"].values()]
    assert all(item["removed"] == {"BOOL": True} for item in tombstones)
    assert not any("purge_at" in item for item in tombstones)
    assert apply(client, added(3, 2)) == [Outcome.APPLIED]
    assert let_in(client)[4] is not None


def test_a_revocation_also_ends_a_token_that_was_changed_after_it() -> None:
    """The events' moments don't matter."""
    client = MemoryDynamoDB()
    assert apply(client, issued(1), issued(9), revoked(3)) == [Outcome.APPLIED] * 3
    assert let_in(client)[0] is None
