"""A scope is as wide as the membership's permissions, and can only be narrowed."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.strategies import memberships
from workspace_usage.access.scope import READ_USERS_ACTIVITY, Membership, OwnRuns, WholeWorkspace
from workspace_usage.errors import Forbidden
from workspace_usage.values import MAX_ID

ids = st.integers(1, MAX_ID)


@given(memberships())
def test_only_the_permission_gives_the_whole_workspace(membership: Membership) -> None:
    if READ_USERS_ACTIVITY in membership.permissions:
        assert membership.scope == WholeWorkspace(membership.workspace_id)
    else:
        assert membership.scope == OwnRuns(membership.workspace_id, membership.user_id)


@given(ids, ids)
def test_the_whole_workspace_can_be_narrowed_to_one_user(workspace_id: int, user_id: int) -> None:
    scope = WholeWorkspace(workspace_id)
    assert scope.narrow_to_user(None) == scope
    assert scope.narrow_to_user(user_id) == OwnRuns(workspace_id, user_id)


@given(ids, ids, ids)
def test_own_runs_can_only_be_narrowed_to_their_own_user(
    workspace_id: int, user_id: int, other: int
) -> None:
    assume(other != user_id)
    scope = OwnRuns(workspace_id, user_id)
    assert scope.narrow_to_user(None) == scope.narrow_to_user(user_id) == scope
    with pytest.raises(Forbidden, match="forbidden_user"):
        scope.narrow_to_user(other)


@given(ids, ids, ids)
def test_own_runs_include_nothing_of_another_user(
    workspace_id: int, user_id: int, other: int
) -> None:
    """Who may no longer see everyone loses what they exported of another user, too."""
    assume(other != user_id)
    own = OwnRuns(workspace_id, user_id)
    assert own.includes(own)
    assert not own.includes(OwnRuns(workspace_id, other))
    assert not own.includes(WholeWorkspace(workspace_id))
    assert WholeWorkspace(workspace_id).includes(own)
    assert not WholeWorkspace(other).includes(OwnRuns(user_id, 1))
