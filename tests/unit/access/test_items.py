"""Tokens and memberships are read back from their items as they were."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import memberships
from workspace_usage.access.items import (
    TOMBSTONE_FLAG,
    membership_from_item,
    membership_item,
    membership_key,
    token_from_item,
    token_item,
    token_key,
)
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.values import MAX_ID

ids = st.integers(1, MAX_ID)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
tokens = st.builds(
    AccessToken,
    token_id=ids,
    tokenable_type=st.text(min_size=1),
    tokenable_id=ids,
    token_hash=st.text("0123456789abcdef", min_size=64, max_size=64),
    abilities=st.frozensets(st.text(max_size=5), max_size=3),
    created_at=moments,
    expires_at=moments,
)


@given(tokens)
def test_a_token_is_read_back_as_it_was(token: AccessToken) -> None:
    """Its item is found by its key, and other attributes don't matter."""
    item = token_item(token)
    assert token_key(token.token_id).items() <= item.items()
    assert token_from_item({**item, "version": {"S": "1"}}) == token


@given(memberships())
def test_a_membership_is_read_back_as_it_was(membership: Membership) -> None:
    item = membership_item(membership)
    key = membership_key(membership.workspace_id, membership.user_id)
    assert key.items() <= item.items()
    assert membership_from_item({**item, "version": {"S": "1"}}) == membership


def test_a_tombstone_is_neither_a_token_nor_a_membership() -> None:
    tombstone = {TOMBSTONE_FLAG: {"BOOL": True}}
    assert token_from_item({**token_key(7), **tombstone}) is None
    assert membership_from_item({**membership_key(11, 42), **tombstone}) is None
