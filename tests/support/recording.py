"""Events as the platform sends them, and what the tables hold after the recorder applied them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import strategies as st

from tests.support.memory_dynamodb import NAMES, TABLES, MemoryDynamoDB
from workspace_usage.access.scope import Membership
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import AccessToken, BearerToken
from workspace_usage.recording.events import EVENTS, parse_event
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.rows.row import Row, Source, from_stored_item
from workspace_usage.values import format_timestamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
"""The recorder's clock, after everything that happens here."""

type Event = dict[str, Any]
"""An event as EventBridge delivers it, parsed from JSON."""

type LetIn = tuple[AccessToken | Membership | None, ...]
"""The stored tokens 1 to 3 and the stored members 1 to 3; None for those that are not let in."""


# --- Events ---------------------------------------------------------------------------------------


def envelope(kind: str, minute: int, **detail: object) -> Event:
    """Returns an event of a kind that happened ``minute`` minutes after ``NOW``."""
    occurred_at = format_timestamp(NOW + timedelta(minutes=minute))
    return {"detail-type": kind, "detail": {"occurred_at": occurred_at, **detail}}


def execution(number: int = 1, status: str = "succeeded", kind: str = "image") -> dict[str, Any]:
    """An execution's payload."""
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


def recorded(minute: int, number: int = 1, status: str = "succeeded") -> Event:
    """An execution was recorded, or has another status."""
    return envelope("ExecutionRecorded", minute, execution=execution(number, status))


def archived(minute: int, number: int = 1) -> Event:
    """An execution was archived."""
    return envelope("ExecutionArchived", minute, execution=execution(number))


def edited(minute: int, number: int = 1, status: str = "succeeded") -> Event:
    """A chat was edited."""
    chat = {**execution(kind="chat", status=status), "user_openai_id": number}
    return envelope("ChatEdited", minute, chat=chat)


def token(number: int, *abilities: str) -> dict[str, Any]:
    """A token's payload."""
    return {
        "id": number,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 42,
        "token": f"{number:064x}",
        "abilities": list(abilities),
    }


def issued(minute: int, *abilities: str) -> Event:
    """Token 1 was issued."""
    return envelope("AccessTokenIssued", minute, token=token(1, *abilities))


def revoked(minute: int) -> Event:
    """Token 1 was revoked."""
    return envelope("AccessTokenRevoked", minute, token_id=1)


def added(minute: int, number: int = 1, *permissions: str) -> Event:
    """A user was added to workspace 11."""
    member = {"workspace_id": 11, "user_id": number, "permissions": list(permissions)}
    return envelope("WorkspaceMemberAdded", minute, member=member)


def removed(minute: int, number: int = 1) -> Event:
    """A user was removed from workspace 11."""
    return envelope("WorkspaceMemberRemoved", minute, workspace_id=11, user_id=number)


@st.composite
def events(draw: st.DrawFn, kinds: Sequence[str] = tuple(EVENTS), subjects: int = 3) -> Event:
    """Events of few subjects in few minutes, so that many concern the same subject.

    Args:
        draw: hypothesis's function.
        kinds: the events' kinds.
        subjects: how many executions, chats, tokens and members there are, of each that number.
    """
    kind, minute = draw(st.sampled_from(kinds)), draw(st.integers(0, 4))
    number = draw(st.integers(1, subjects))
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
    assert details.keys() == EVENTS.keys(), "a new event needs a detail here"
    return envelope(kind, minute, **details[kind])


# --- What they lead to ----------------------------------------------------------------------------


def apply(client: object, *sequence: Event, now: datetime = NOW) -> list[Outcome]:
    """Applies events one after another, and returns what became of each.

    Args:
        client: tables in memory, or a DynamoDB client.
        sequence: the events.
        now: the recorder's clock when it writes.
    """
    recorder = Recorder(cast(Any, client), NAMES, lambda _: None)
    return [recorder.apply(parse_event(event, LATER), now).outcome for event in sequence]


def apply_in_order(sequence: Sequence[Event]) -> MemoryDynamoDB:
    """The tables after each event came once, in the order in which they happened."""
    client = MemoryDynamoDB()
    apply(client, *sorted(sequence, key=lambda event: str(event["detail"]["occurred_at"])))
    return client


def listed(client: MemoryDynamoDB) -> list[Row]:
    """What the listing shows: an archived row hides the current one at the same position."""
    rows = {
        row.position: row
        for source in (Source.EDITED, Source.CURRENT, Source.ARCHIVED)
        for row in (
            from_stored_item(source, item) for item in client.tables[TABLES[source]].values()
        )
    }
    return sorted(rows.values(), key=lambda row: row.position)


def let_in(client: MemoryDynamoDB) -> LetIn:
    """Which tokens and members the authorizer lets in."""
    store = AccessStore(cast(Any, client), NAMES.access_tokens, NAMES.memberships)
    tokens = [store.find_token(BearerToken(number, "")) for number in range(1, 4)]
    members = [store.find_membership(11, number) for number in range(1, 4)]
    return (*tokens, *members)
