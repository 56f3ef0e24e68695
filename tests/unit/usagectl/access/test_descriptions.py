"""What operators see of tokens."""

from datetime import UTC, datetime, timedelta

import pytest

from usagectl.access.descriptions import describe_token
from usagectl.access.issuing import draw_id, issue
from workspace_usage.access.items import token_item
from workspace_usage.access.tokens import BearerToken, TokenPolicy
from workspace_usage.errors import Unauthorized

ISSUED = datetime(2026, 3, 1, tzinfo=UTC)
END = ISSUED + timedelta(days=30)


@pytest.mark.parametrize("now", [END - timedelta(microseconds=1), END])
def test_a_token_is_called_valid_as_long_as_the_service_accepts_it(now: datetime) -> None:
    issued = issue(draw_id(), 42, "App\\Models\\User", frozenset({"use_agents"}), ISSUED, END)
    presented = BearerToken.from_header(f"Bearer {issued.plain_text}")
    try:
        TokenPolicy().check(presented, issued.token, now)
    except Unauthorized:
        state = "expired"
    else:
        state = "valid"
    assert describe_token(token_item(issued.token), now)["state"] == state
    assert (state == "valid") is (now < END)
