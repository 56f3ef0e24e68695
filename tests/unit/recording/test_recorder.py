"""Events come twice, late and in any order; the tables end as if they had come once, in order."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_client import ROLLUPS, TABLES
from tests.support.memory_writer import MemoryWriter
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import BearerToken
from workspace_usage.errors import StoreUnavailable
from workspace_usage.recording.events import EVENTS, parse
from workspace_usage.recording.payloads import InvalidPayload
from workspace_usage.recording.recorder import CHANGE_ATTEMPTS, MARKED_ROWS_LIVE, Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.rows.row import Row, Source, from_stored_item
from workspace_usage.rows.tables import Tables
from workspace_usage.values import format_timestamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
"""The recorder's clock, after all that happens here."""

NAMES = Tables(
    executions=TABLES[Source.CURRENT],
    archived_executions=TABLES[Source.ARCHIVED],
    edited_chats=TABLES[Source.EDITED],
    rollups=ROLLUPS,
    access_tokens="access_tokens",
    memberships="memberships",
)


def envelope(kind: str, minute: int, **detail: object) -> dict[str, Any]:
    occurred_at = format_timestamp(NOW + timedelta(minutes=minute))
    return {"detail-type": kind, "detail": {"occurred_at": occurred_at, **detail}}


def execution(number: int = 1, status: str = "succeeded", kind: str = "image") -> dict[str, Any]:
    return {
        "id": number,
        "workspace_id": 11,
        "user_id": 42,
        "user_email": "ana@example.com",
        "created_at": "2026-03-01T11:00:00.000000Z",
        "agent": {"title": "Painter", "slug": "painter", "type": kind},
        "status": status,
        "credits": 0.006145,
        "output": f"images/{number}-{status}.png",
    }


def recorded(minute: int, number: int = 1, status: str = "succeeded") -> dict[str, Any]:
    return envelope("ExecutionRecorded", minute, execution=execution(number, status))


def archived(minute: int, number: int = 1) -> dict[str, Any]:
    return envelope("ExecutionArchived", minute, execution=execution(number))


def apply(client: MemoryWriter, *events: dict[str, Any], now: datetime = NOW) -> list[Outcome]:
    recorder = Recorder(cast(Any, client), NAMES, UTC)
    return [recorder.apply(parse(event, LATER), now).outcome for event in events]


def listed(client: MemoryWriter) -> list[Row]:
    """What the listing shows: archived rows hide current ones at the same place."""
    rows = {
        row.position: row
        for source in (Source.EDITED, Source.CURRENT, Source.ARCHIVED)
        for row in (
            from_stored_item(source, item) for item in client.tables[TABLES[source]].values()
        )
    }
    return sorted(rows.values(), key=lambda row: row.position)


def let_in(client: MemoryWriter) -> tuple[Any, ...]:
    """Whom the authorizer lets in, and with what."""
    directory = AccessStore(cast(Any, client), "access_tokens", "memberships")
    tokens = [directory.find_token(BearerToken(n, "")) for n in range(1, 4)]
    members = [directory.find_membership(11, n) for n in range(1, 4)]
    return (*tokens, *members)


def token(number: int, *abilities: str) -> dict[str, Any]:
    return {
        "id": number,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 42,
        "token": f"{number:064x}",
        "abilities": list(abilities),
    }


def added(minute: int, number: int = 1, *permissions: str) -> dict[str, Any]:
    member = {"workspace_id": 11, "user_id": number, "permissions": list(permissions)}
    return envelope("WorkspaceMemberAdded", minute, member=member)


def removed(minute: int, number: int = 1) -> dict[str, Any]:
    return envelope("WorkspaceMemberRemoved", minute, workspace_id=11, user_id=number)


def issued(minute: int, *abilities: str) -> dict[str, Any]:
    return envelope("AccessTokenIssued", minute, token=token(1, *abilities))


def revoked(minute: int) -> dict[str, Any]:
    return envelope("AccessTokenRevoked", minute, token_id=1)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Events of few subjects in few minutes, so that they meet."""
    kind, minute = draw(st.sampled_from(list(EVENTS))), draw(st.integers(0, 4))
    number = draw(st.integers(1, 3))
    status = draw(st.sampled_from(["processing", "succeeded", "failed"]))
    words = draw(st.lists(st.sampled_from(["use_agents", "read_users_activity"]), unique=True))
    member = {"workspace_id": 11, "user_id": number, "permissions": words}
    output = draw(st.sampled_from(["images/a.png", "http://example.com/1.png", None]))
    details: dict[str, dict[str, Any]] = {
        "ExecutionRecorded": {"execution": {**execution(number, status), "output": output}},
        "ExecutionArchived": {"execution": {**execution(number, status), "output": output}},
        "ChatEdited": {"chat": {**execution(kind="chat", status=status), "user_openai_id": number}},
        "AccessTokenIssued": {"token": token(number, *words)},
        "AccessTokenChanged": {"token": token(number, *words)},
        "AccessTokenRevoked": {"token_id": number},
        "WorkspaceMemberAdded": {"member": member},
        "WorkspaceMemberChanged": {"member": member},
        "WorkspaceMemberRemoved": {"workspace_id": 11, "user_id": number},
    }
    return envelope(kind, minute, **details[kind])


@settings(max_examples=1000)
@given(st.lists(events(), max_size=12), st.data())
def test_any_order_and_any_repetition_end_alike(
    sequence: list[dict[str, Any]], choices: st.DataObject
) -> None:
    in_order = MemoryWriter()
    apply(in_order, *sorted(sequence, key=lambda event: str(event["detail"]["occurred_at"])))
    repeated = sequence + (choices.draw(st.lists(st.sampled_from(sequence))) if sequence else [])
    shuffled = MemoryWriter()
    apply(shuffled, *choices.draw(st.permutations(repeated)))
    assert listed(shuffled) == listed(in_order)
    assert let_in(shuffled) == let_in(in_order)


@given(st.lists(events(), max_size=8))
def test_the_same_events_again_write_nothing(sequence: list[dict[str, Any]]) -> None:
    client = MemoryWriter()
    apply(client, *sequence)
    before, client.writes = deepcopy(client.tables), 0
    apply(client, *sequence, now=NOW + timedelta(hours=1))
    assert client.tables == before
    assert client.writes == 0


def test_a_later_status_replaces_an_earlier_one_and_never_the_other_way() -> None:
    client = MemoryWriter()
    apply(client, recorded(2), recorded(1, status="processing"))
    assert [row.status for row in listed(client)] == ["succeeded"]
    apply(client, recorded(3, status="failed"))
    assert [row.status for row in listed(client)] == ["failed"]


def test_at_the_same_moment_a_success_is_the_later_status() -> None:
    for sequence in ([recorded(1), recorded(1, status="processing")],) * 2:
        client = MemoryWriter()
        apply(client, *sequence)
        sequence.reverse()
        assert [row.status for row in listed(client)] == ["succeeded"]


@pytest.mark.parametrize("order", ["recorded first", "archived first"])
def test_an_archived_execution_stays_archived_and_keeps_the_newest_key(order: str) -> None:
    """The key is what erasure finds the object by; it is never shown."""
    client = MemoryWriter()
    sequence = [recorded(1), archived(2), recorded(3, status="failed")]
    apply(client, *(sequence if order == "recorded first" else reversed(sequence)))
    [row] = listed(client)
    assert (row.source, row.status) == (Source.ARCHIVED, "failed")
    assert row.output == "images/1-failed.png"
    assert "images/1-succeeded.png" not in str(client.tables)


@pytest.mark.parametrize("order", [1, -1], ids=["recorded first", "archived first"])
def test_an_archived_url_is_gone(order: int) -> None:
    client = MemoryWriter()
    event = recorded(1)
    event["detail"]["execution"]["output"] = "https://example.com/1.png"
    apply(client, *[event, archived(0)][::order])
    [row] = listed(client)
    assert (row.source, row.output) == (Source.ARCHIVED, None)
    assert "example.com/1.png" not in str(client.tables)


def states_while(client: MemoryWriter, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tables before and after an event: what a reader can come across."""
    yield deepcopy(client.tables)
    apply(client, event)
    yield deepcopy(client.tables)


def test_a_reader_finds_a_row_that_moves_whichever_table_it_reads_first() -> None:
    client = MemoryWriter()
    apply(client, recorded(1))
    before, after = states_while(client, archived(2))
    for current_as_of, archived_as_of in ((before, after), (after, before), (after, after)):
        client.tables = {**after, TABLES[Source.CURRENT]: current_as_of[TABLES[Source.CURRENT]]}
        client.tables[TABLES[Source.ARCHIVED]] = archived_as_of[TABLES[Source.ARCHIVED]]
        assert [row.source for row in listed(client)] == [Source.ARCHIVED]


def test_a_marked_row_goes_a_day_later() -> None:
    client = MemoryWriter()
    apply(client, recorded(1), archived(2))
    [marked] = client.tables[TABLES[Source.CURRENT]].values()
    assert marked["purge_at"] == {"N": str(int((NOW + MARKED_ROWS_LIVE).timestamp()))}


def test_an_imported_row_is_older_than_any_event() -> None:
    client = MemoryWriter()
    apply(client, recorded(1, status="processing"))
    [imported] = client.tables[TABLES[Source.CURRENT]].values()
    del imported["version"]
    apply(client, recorded(0))
    assert [row.status for row in listed(client)] == ["succeeded"]


def test_another_writer_in_between_is_not_overwritten() -> None:
    client = MemoryWriter()
    apply(client, recorded(1, status="processing"))

    def archive_meanwhile() -> None:
        client.after_read = lambda: None
        apply(client, archived(3))

    client.after_read = archive_meanwhile
    apply(client, recorded(2))
    [row] = listed(client)
    assert row.source is Source.ARCHIVED


def test_a_subject_that_never_rests_is_put_back() -> None:
    client = MemoryWriter()
    apply(client, recorded(1))
    minutes = iter(range(10, 1000))

    def change_again() -> None:
        quiet, client.after_read = client.after_read, lambda: None
        apply(client, recorded(next(minutes)))
        client.after_read = quiet

    client.after_read = change_again
    with pytest.raises(StoreUnavailable):
        apply(client, recorded(5000))
    assert next(minutes) == 10 + 2 * CHANGE_ATTEMPTS


def test_a_removal_stays_when_what_it_removes_comes_later() -> None:
    client = MemoryWriter()
    apply(client, revoked(2), issued(1, "*"), removed(2, 2), added(1, 2))
    assert let_in(client) == (None,) * 6


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.booleans()), max_size=6))
def test_of_all_events_about_a_token_a_revocation_wins_else_the_latest(
    sequence: list[tuple[bool, int, bool]],
) -> None:
    """At whatever moment it was revoked, and in whatever order that is heard of."""
    client, latest = MemoryWriter(), -1
    for is_revocation, minute, may_all in sequence:
        apply(client, revoked(minute) if is_revocation else issued(minute, *["*"][:may_all]))
        latest = max(latest, minute)
    found = let_in(client)[0]
    if not sequence or any(is_revocation for is_revocation, _, _ in sequence):
        assert found is None
        return
    assert found.abilities in [
        frozenset(["*"][:may_all]) for _, minute, may_all in sequence if minute == latest
    ]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6))
def test_of_all_events_about_a_member_the_latest_wins_and_of_these_a_removal(
    sequence: list[tuple[bool, int]],
) -> None:
    """A member can come back; not at the moment at which they were removed."""
    client = MemoryWriter()
    for is_removal, minute in sequence:
        apply(client, removed(minute) if is_removal else added(minute))
    latest = max(minute for _, minute in sequence)
    is_out = (True, latest) in sequence
    assert (let_in(client)[3] is None) is is_out


@given(
    st.lists(
        st.tuples(st.sampled_from(["succeeded", "failed", "processing"]), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    )
)
def test_of_all_statuses_the_latest_wins_and_of_these_success(
    sequence: list[tuple[str, int]],
) -> None:
    """Among the others of one moment, any."""
    client = MemoryWriter()
    for status, minute in sequence:
        apply(client, recorded(minute, status=status))
    latest = max(minute for _, minute in sequence)
    found = {status for status, minute in sequence if minute == latest}
    [row] = listed(client)
    assert row.status in ({"succeeded"} & found or found)


def test_a_revoked_token_does_not_come_back_and_a_removed_member_can() -> None:
    """Not by a change a microsecond later, nor by one of the next year; and no time forgets it."""
    client = MemoryWriter()
    apply(client, issued(1), revoked(2), removed(2, 2))
    moment = format_timestamp(NOW + timedelta(minutes=2, microseconds=1))
    change = {"occurred_at": moment, "token": token(1, "*")}
    for kind in ("AccessTokenChanged", "AccessTokenIssued"):
        assert apply(client, {"detail-type": kind, "detail": change}) == [Outcome.OVERTAKEN]
    assert let_in(client)[0] is None
    tombstones = [*client.tables["access_tokens"].values(), *client.tables["memberships"].values()]
    assert all(item["removed"] == {"BOOL": True} for item in tombstones)
    assert not any("purge_at" in item for item in tombstones)
    assert apply(client, added(3, 2)) == [Outcome.APPLIED]
    assert let_in(client)[4] is not None


def test_an_older_revocation_kills_a_token_that_was_changed_later() -> None:
    client = MemoryWriter()
    assert apply(client, issued(1), issued(9), revoked(3)) == [Outcome.APPLIED] * 3
    assert let_in(client)[0] is None


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
def test_a_change_that_has_no_effect_is_told_from_one_that_comes_again(
    first: dict[str, Any], second: dict[str, Any], outcome: Outcome
) -> None:
    assert apply(MemoryWriter(), first, second) == [Outcome.APPLIED, outcome]


def test_a_change_is_named_by_its_ids_alone() -> None:
    """For the log: nothing of what it says about a person."""
    assert [parse(event, LATER).subject for event in (archived(1), issued(1), removed(1))] == [
        {"kind": "archived", "workspace_id": 11, "id": 1},
        {"kind": "token", "token_id": 1},
        {"kind": "membership", "workspace_id": 11, "user_id": 1},
    ]


@pytest.mark.parametrize("event", [recorded(5), issued(5), revoked(5), removed(5)])
def test_an_event_may_be_five_minutes_ahead_and_not_a_microsecond_more(
    event: dict[str, Any],
) -> None:
    """From further ahead it would win over all that really happens until then."""
    parse(event, NOW)
    with pytest.raises(InvalidPayload, match=r"^detail: occurred_at: must be at most five minutes"):
        parse(event, NOW - timedelta(microseconds=1))
    event = {**event, "detail": {**event["detail"], "occurred_at": "9999-12-31T23:59:59.999999Z"}}
    with pytest.raises(InvalidPayload, match=r"^detail: occurred_at: "):
        parse(event, NOW)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ([], "must be a JSON object"),
        ({}, "detail-type: must be one of"),
        ({"detail-type": "Nonsense", "detail": {}}, "detail-type: must be one of"),
        ({"detail-type": ["ChatEdited"]}, "detail-type: must be one of"),
        ({"detail-type": 10**5_000, "detail": {}}, "detail-type: must be one of"),
        ({"detail-type": "ChatEdited"}, "detail: must be a JSON object"),
        (envelope("AccessTokenRevoked", 1), "detail: token_id: is missing"),
        (envelope("AccessTokenRevoked", 1, token_id="x"), "detail: token_id: "),
        (
            envelope("ExecutionRecorded", 1, execution={**execution(), "status": 7}),
            "detail: execution.status: ",
        ),
        (
            {"detail-type": "AccessTokenRevoked", "detail": {"occurred_at": "now", "token_id": 1}},
            "detail: occurred_at: ",
        ),
    ],
)
def test_a_malformed_event_is_refused_with_the_field_s_name(event: object, reason: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        parse(event, LATER)
    assert str(refused.value).startswith(reason)
