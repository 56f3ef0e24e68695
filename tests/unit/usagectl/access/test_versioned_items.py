"""What an operator's commands on access go by: the service's time, and words that are known."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from usagectl.access.tables import AccessTables

MOMENT = datetime(2026, 3, 1, 12, 0, 30, 250_000, UTC)


class Answers:
    """An empty table whose responses have some date."""

    def __init__(self, date: str | None) -> None:
        self._headers = {} if date is None else {"date": date}
        self.stored: dict[str, Any] = {}

    def get_item(self, **_: object) -> dict[str, Any]:
        """What was put, with the headers."""
        item = {"Item": self.stored} if self.stored else {}
        return {**item, "ResponseMetadata": {"HTTPHeaders": self._headers}}

    def put_item(self, *, Item: dict[str, Any], **_: object) -> None:  # noqa: N803 - boto3's name
        """Keeps an item."""
        self.stored = Item


@pytest.mark.parametrize(
    ("date", "local", "expected"),
    [
        # Right to a fraction of a second, if the operator's clock is.
        ("Sun, 01 Mar 2026 12:00:30 GMT", MOMENT, MOMENT),
        ("Sun, 01 Mar 2026 12:00:30 GMT", MOMENT + timedelta(minutes=10), "12:00:30.999999"),
        ("Sun, 01 Mar 2026 12:00:30 GMT", MOMENT - timedelta(minutes=10), "12:00:30.000000"),
        (None, MOMENT, MOMENT),
        ("yesterday", MOMENT, MOMENT),
    ],
)
def test_a_token_is_issued_at_the_service_s_time(
    date: str | None, local: datetime, expected: datetime | str
) -> None:
    """Within the second of the response's date, or without a date, the machine's clock counts."""
    tables = AccessTables(cast(Any, Answers(date)), "tokens", "members", lambda: local)
    made = tables.issue_token(1, "User", frozenset(), None).token
    assert made.created_at is not None
    assert expected in (made.created_at, f"{made.created_at:%H:%M:%S.%f}")
