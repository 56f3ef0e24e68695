"""Hypothesis strategies for the domain's values: few distinct ones, so that ties are common."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from workspace_usage.access.scope import READ_USERS_ACTIVITY, Membership
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Row, Source, Tokens, kept_output
from workspace_usage.values import MAX_ID, format_timestamp

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


def timestamps() -> st.SearchStrategy[str]:
    """Timestamps: many are equal, and some lie anywhere."""
    close = st.integers(0, 5).map(lambda n: EPOCH + timedelta(microseconds=n))
    return st.one_of(close, st.datetimes(timezones=st.just(UTC))).map(format_timestamp)


def memberships() -> st.SearchStrategy[Membership]:
    """Memberships with and without the permission to see everyone's runs."""
    permissions = st.sampled_from([READ_USERS_ACTIVITY, "*", "admin", "read_users"])
    ids = st.integers(1, MAX_ID)
    return st.builds(Membership, ids, ids, st.frozensets(permissions))


def positions() -> st.SearchStrategy[Position]:
    """Positions: many share a moment, a rank or an id."""
    ids = st.one_of(st.integers(0, 12), st.integers(0, MAX_ID))
    return st.builds(Position, timestamps(), st.integers(0, 1), ids)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Rows of two workspaces, three users and four types, within six moments."""
    source = draw(st.sampled_from(Source))
    kinds = ["chat"] if source is Source.EDITED else ["chat", "image", "text", "music"]
    moment = EPOCH + timedelta(microseconds=draw(st.integers(0, 5)))
    number = draw(st.integers(1, 12))
    return Row(
        source=source,
        workspace_id=draw(st.integers(1, 2)),
        position=Position(format_timestamp(moment), source.rank, number),
        # An execution has the same user and type wherever it is found.
        user_id=1 + number % 3,
        user_email=f"user{1 + number % 3}@example.com",
        agent_type=kinds[number % len(kinds)],
        agent_title="Agent",
        agent_slug="agent",
        status=draw(st.sampled_from(["succeeded", "failed", "processing"])),
        credits=Decimal("0.5"),
    )


ZONES = (
    "UTC",
    "America/Sao_Paulo",  # until 2019 the clocks changed at midnight
    "America/New_York",
    "America/Havana",  # they change at midnight and one o'clock
    "America/St_Johns",
    "Europe/Berlin",
    "Africa/Casablanca",
    "Asia/Beirut",  # they change at midnight
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
"""Time zones of every kind that a deployment may be set to."""


def zones() -> st.SearchStrategy[str]:
    """Names of time zones."""
    return st.sampled_from(ZONES)


def json_values() -> st.SearchStrategy[object]:
    """Anything that Python's JSON parser may return, texts with half surrogate pairs included."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**40), 10**40),
        st.floats(),
        any_text(),
    )
    return st.recursive(
        scalars,
        lambda values: st.one_of(
            st.lists(values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3)
        ),
        max_leaves=5,
    )


def any_text(max_size: int = 60) -> st.SearchStrategy[str]:
    """Any text, with half surrogate pairs."""
    return st.text(st.characters(categories=None), max_size=max_size)


def plain_text(min_size: int = 0, max_size: int = 40) -> st.SearchStrategy[str]:
    """Any text that can be stored: without half surrogate pairs."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=min_size, max_size=max_size)


def optional_text() -> st.SearchStrategy[str | None]:
    """None, or any text but ``null``, which MySQL makes of a JSON null."""
    return st.none() | plain_text().filter(lambda text: text != "null")


def credit_amounts() -> st.SearchStrategy[Decimal]:
    """Amounts that DynamoDB stores exactly: up to 38 digits."""
    digits = st.integers(-(10**38) + 1, 10**38 - 1)
    exponents = st.one_of(st.integers(-12, 3), st.integers(-130, 88))
    return st.builds(lambda number, exponent: Decimal(f"{number}E{exponent}"), digits, exponents)


@st.composite
def stored_rows(draw: st.DrawFn) -> Row:
    """Any rows that may be stored; each optional field is there or is absent."""
    source = draw(st.sampled_from(Source))
    kinds = ["chat"] if source is Source.EDITED else ["chat", "image", "video", "voiceover", "?"]
    kind = draw(st.sampled_from(kinds))
    ids, counts = st.integers(1, MAX_ID), st.none() | st.integers(0, MAX_ID)
    return Row(
        source=source,
        workspace_id=draw(ids),
        position=Position(draw(timestamps()), source.rank, draw(ids)),
        user_id=draw(ids),
        user_email=draw(plain_text()),
        agent_type=kind,
        agent_title=draw(plain_text()),
        agent_slug=draw(plain_text()),
        status=draw(st.sampled_from(["succeeded", "failed", ""])),
        credits=draw(credit_amounts()),
        output=kept_output(source, kind, draw(optional_text())),
        root_id=draw(counts),
        execution_origin=draw(optional_text()),
        used_model=None if source is Source.EDITED else draw(optional_text()),
        tokens=draw(st.none() | st.builds(Tokens, counts, counts, counts)),
    )
