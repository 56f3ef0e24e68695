"""Hypothesis strategies for the domain's values: few distinct ones, so that ties are common."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from workspace_usage.position import MAX_ID, Position, format_timestamp
from workspace_usage.rows import Row, Source

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


def timestamps() -> st.SearchStrategy[str]:
    """Timestamps of which many are equal, and some lie anywhere."""
    close = st.integers(0, 5).map(lambda n: EPOCH + timedelta(microseconds=n))
    return st.one_of(close, st.datetimes(timezones=st.just(UTC))).map(format_timestamp)


def positions() -> st.SearchStrategy[Position]:
    """Positions of which many share a moment, a rank or an id."""
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
