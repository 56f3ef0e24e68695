"""Made-up rows for which only the source, the moment, the user and the type matter."""

from datetime import datetime, timedelta
from decimal import Decimal

from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Row, Source
from workspace_usage.values import format_timestamp


def row_of_age(source: Source, number: int, age: timedelta, now: datetime) -> Row:
    """Returns a row of workspace 11 with this age at ``now``; its number decides user and type."""
    return Row(
        source=source,
        workspace_id=11,
        position=Position(format_timestamp(now - age), source.rank, number),
        user_id=1 + number % 2,
        user_email="ana@example.com",
        agent_type="chat" if source is Source.EDITED or number % 3 else "image",
        agent_title="Agent",
        agent_slug="agent",
        status="succeeded",
        credits=Decimal(1),
    )
