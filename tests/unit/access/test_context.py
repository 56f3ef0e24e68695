"""A context gives the caller that it was made from, and never a wider scope."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.strategies import json_values, memberships
from workspace_usage.access.context import from_context, to_context
from workspace_usage.access.scope import Caller, Membership, OwnRuns, Scope, WholeWorkspace
from workspace_usage.errors import Forbidden
from workspace_usage.values import MAX_ID

ids = st.integers(1, MAX_ID)


def assert_denied(context: dict[str, object], workspace_id: int) -> None:
    with pytest.raises(Forbidden, match="forbidden_member"):
        from_context(context, workspace_id)


@given(memberships())
def test_a_context_gives_the_member_and_their_scope(membership: Membership) -> None:
    context = to_context(membership)
    assert all(isinstance(value, str) for value in context.values())
    caller = Caller(membership.user_id, membership.scope)
    assert from_context(context, membership.workspace_id) == caller
    # `sam local` may pass numbers.
    numbers = {**context, "user_id": membership.user_id, "workspace_id": membership.workspace_id}
    assert from_context(numbers, membership.workspace_id) == caller


@given(memberships(), ids)
def test_a_context_is_valid_for_its_own_workspace_only(membership: Membership, other: int) -> None:
    assume(other != membership.workspace_id)
    assert_denied(dict(to_context(membership)), other)


COMPLETE: dict[str, object] = {"user_id": "42", "workspace_id": "11", "sees": "everyone"}


@pytest.mark.parametrize("scope", [WholeWorkspace(11), OwnRuns(11, 42)])
def test_a_context_says_what_its_user_may_see(scope: Scope) -> None:
    sees = "everyone" if isinstance(scope, WholeWorkspace) else "own"
    assert from_context({**COMPLETE, "sees": sees}, 11) == Caller(42, scope)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_context_that_lacks_a_field_is_denied(name: str) -> None:
    assert_denied({key: value for key, value in COMPLETE.items() if key != name}, 11)


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize(
    "value", ["", "0", "011", "11.0", "-1", " 11", "None", "Everyone", "OWN", "all", "true", "\x00"]
)
def test_a_context_with_an_invalid_field_is_denied(name: str, value: str) -> None:
    assert_denied({**COMPLETE, name: value}, 11)


@given(st.dictionaries(st.sampled_from(sorted(COMPLETE)), json_values()))
@example({"sees": "own"})
def test_any_context_is_denied_or_gives_no_more_than_it_says(parts: dict[str, object]) -> None:
    context = {**COMPLETE, **parts}
    try:
        caller = from_context(context, 11)
    except Forbidden:
        return
    assert str(context["workspace_id"]) == "11"
    assert str(context["user_id"]) == str(caller.user_id)
    own = OwnRuns(11, caller.user_id)
    assert caller.scope == {"everyone": WholeWorkspace(11), "own": own}[str(context["sees"])]


def test_an_empty_context_is_denied() -> None:
    assert_denied({}, 11)
