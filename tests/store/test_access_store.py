"""Tokens and memberships are read back from the real engine as they were stored."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.support.database import NAMES, reader_of
from workspace_usage.access.scope import Membership
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import AccessToken, BearerToken
from workspace_usage.recording.changes import MembershipChange, TokenChange
from workspace_usage.recording.recorder import Recorder
from workspace_usage.values import MAX_ID

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def token(number: int, secret: str) -> AccessToken:
    return AccessToken(
        token_id=number,
        tokenable_type="App\\Models\\User",
        tokenable_id=MAX_ID,
        token_hash=sha256(secret.encode()).hexdigest(),
        abilities=frozenset({"use_agents", "*"} if number % 2 else ()),
        created_at=NOW if number % 2 else None,
        expires_at=None if number % 2 else NOW,
    )


def presented(secret: str, number: int | None = None) -> BearerToken:
    prefix = "" if number is None else f"{number}|"
    return BearerToken.from_header(f"Bearer {prefix}{secret}")


@pytest.fixture
def recorder(client: "DynamoDBClient") -> Recorder:
    """Fills the two tables."""
    return Recorder(client, NAMES, lambda _: None)


@pytest.fixture
def access_store(client: "DynamoDBClient") -> AccessStore:
    """Reads the two tables."""
    return AccessStore(reader_of(client), NAMES.access_tokens, NAMES.memberships)


def test_a_token_is_found_by_its_id_and_by_its_hash(
    recorder: Recorder, access_store: AccessStore
) -> None:
    """Either form of a token finds all that was stored, exact up to the largest id."""
    stored = {secret: token(n, secret) for n, secret in [(1, "a"), (2, "b"), (MAX_ID, "c")]}
    for each in stored.values():
        recorder.apply(TokenChange(each.token_id, each, "1"), NOW)
    for secret, expected in stored.items():
        assert access_store.find_token(presented(secret)) == expected
        assert access_store.find_token(presented(secret, expected.token_id)) == expected
    # Whether the secret is that token's is checked by ``TokenPolicy``.
    assert access_store.find_token(presented("another", 1)) == stored["a"]


def test_an_unknown_token_is_not_found(access_store: AccessStore) -> None:
    """Neither by its id nor by its hash."""
    assert access_store.find_token(presented("unknown")) is None
    assert access_store.find_token(presented("unknown", 7)) is None


def test_a_revoked_token_is_not_found_in_either_form(
    recorder: Recorder, access_store: AccessStore
) -> None:
    """The tombstone has no hash, and its id finds no token."""
    recorder.apply(TokenChange(1, token(1, "a"), "1"), NOW)
    recorder.apply(TokenChange(1, None, "2"), NOW)
    assert access_store.find_token(presented("a")) is None
    assert access_store.find_token(presented("a", 1)) is None


def test_a_membership_is_found_by_workspace_and_user(
    recorder: Recorder, access_store: AccessStore
) -> None:
    """Permissions are read back as stored, also if there are none. No other one is found."""
    members = [
        Membership(11, 1, frozenset({"read_users_activity", "other"})),
        Membership(11, MAX_ID, frozenset()),
        Membership(MAX_ID, 1, frozenset({"other"})),
    ]
    for member in members:
        change = MembershipChange(member.workspace_id, member.user_id, member, "1")
        recorder.apply(change, NOW)
    for member in members:
        assert access_store.find_membership(member.workspace_id, member.user_id) == member
    assert access_store.find_membership(11, 2) is None
    assert access_store.find_membership(12, 1) is None


def test_a_removed_member_is_not_found(recorder: Recorder, access_store: AccessStore) -> None:
    """From the next read on, until the member is added again."""
    member = Membership(11, 1, frozenset({"other"}))
    recorder.apply(MembershipChange(11, 1, member, "1"), NOW)
    recorder.apply(MembershipChange(11, 1, None, "2"), NOW)
    assert access_store.find_membership(11, 1) is None
    recorder.apply(MembershipChange(11, 1, member, "3"), NOW)
    assert access_store.find_membership(11, 1) == member
