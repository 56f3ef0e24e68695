"""Whoever can't be shown to have the right is refused, whatever they send."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.strategies import any_text, json_values
from workspace_usage.access.context import from_context, to_context
from workspace_usage.access.scope import (
    READ_USERS_ACTIVITY,
    Membership,
    OwnRuns,
    Scope,
    WholeWorkspace,
)
from workspace_usage.access.tokens import USE_AGENTS, AccessToken, BearerToken, TokenPolicy
from workspace_usage.errors import Forbidden, Unauthorized
from workspace_usage.values import MAX_ID, parse_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECRET = "a-secret"
DIGEST = sha256(SECRET.encode()).hexdigest()
TOKEN = AccessToken(
    token_id=7,
    tokenable_type="App\\Models\\User",
    tokenable_id=42,
    token_hash=DIGEST,
    abilities=frozenset({USE_AGENTS}),
    created_at=NOW - timedelta(days=10),
    expires_at=None,
)
PRESENTED = BearerToken(7, DIGEST)

ids = st.integers(1, MAX_ID)
# What can stand in a header between spaces.
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(
    lambda text: not any(character.isspace() for character in text)
)


# Ids


@given(ids)
def test_an_id_is_read_as_it_is_written(number: int) -> None:
    assert parse_id(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "011",
        "+11",
        "1.5",
        "1e3",
        "1_000",
        "abc",
        " 11",
        "11 ",
        "11\n",
        "\u0661\u0661",
        "¹",
        "None",
        "0x1",
        str(MAX_ID + 1),
        "9" * 19,
        "1" * 20,
        "\ud800",
        None,
    ],
)
def test_what_is_no_canonical_id_is_none(text: str | None) -> None:
    assert parse_id(text) is None


@given(any_text())
@example("9" * 100_000)
def test_no_text_makes_reading_an_id_fail(text: str) -> None:
    number = parse_id(text)
    assert number is None or (str(number) == text and 1 <= number <= MAX_ID)


# What a caller presents


@given(secrets, st.sampled_from(["Bearer", "bearer", "BEARER", "bEaReR"]), st.integers(1, 3))
def test_a_bare_secret_is_a_token_without_an_id(secret: str, scheme: str, spaces: int) -> None:
    assume("|" not in secret)
    presented = BearerToken.from_header(f"{scheme}{' ' * spaces}{secret}")
    assert presented == BearerToken(None, sha256(secret.encode()).hexdigest())


@pytest.mark.parametrize("scheme", ["Bearer Bearer", "bearer BEARER", "Bearer   Bearer  "])
@pytest.mark.parametrize("token", [f"7|{SECRET}", SECRET, "Bearer"])
def test_a_scheme_that_is_sent_twice_counts_as_one(scheme: str, token: str) -> None:
    """Some clients send it, and Laravel lets it pass."""
    expected = BearerToken.from_header(f"Bearer {token}")
    assert BearerToken.from_header(f"{scheme} {token}") == expected


@given(ids, secrets)
@example(7, "with|another|bar")
@example(7, "|")
def test_an_id_ends_at_the_first_bar(number: int, secret: str) -> None:
    presented = BearerToken.from_header(f"Bearer {number}|{secret}")
    assert presented == BearerToken(number, sha256(secret.encode()).hexdigest())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "bearer\t",
        SECRET,
        f"7|{SECRET}",
        "Basic dXNlcjpwYXNz",
        f"Token {SECRET}",
        f"Bearer{SECRET}",
        f"Bearer:{SECRET}",
        f"Bearer {SECRET} more",
        f"Bearer Bearer Bearer {SECRET}",
        f"Bearer Basic {SECRET}",
        f"Bearer\tBearer {SECRET}",
        f"Bearer, Bearer {SECRET}",
        f"Bearer\t{SECRET}",
        f"Bearer {SECRET}\n",
        f"\nBearer {SECRET}",
        f"Bearer {SECRET}, Bearer {SECRET}",
        f"Bearer\u00a0{SECRET}",
        f"Bearer {SECRET}\r\nX: y",
        "Bearer |",
        "Bearer 7|",
        f"Bearer |{SECRET}",
        f"Bearer 0|{SECRET}",
        f"Bearer 07|{SECRET}",
        f"Bearer -7|{SECRET}",
        f"Bearer 7.0|{SECRET}",
        f"Bearer x|{SECRET}",
        f"Bearer \u0667|{SECRET}",
        f"Bearer {MAX_ID + 1}|{SECRET}",
        f"Bearer {'9' * 100}|{SECRET}",
    ],
)
def test_what_is_no_bearer_token_is_unauthorized(header: str | None) -> None:
    with pytest.raises(Unauthorized):
        BearerToken.from_header(header)


@given(st.one_of(any_text(), any_text().map("Bearer {}".format)))
@example("Bearer \ud800")
@example("Bearer 7|\udfff")
@example("Bearer " + "x" * 100_000)
@example(" " * 100_000)
def test_any_header_is_a_token_or_unauthorized(header: str) -> None:
    try:
        presented = BearerToken.from_header(header)
    except Unauthorized:
        return
    assert len(presented.digest) == 64
    with pytest.raises(Unauthorized):
        TokenPolicy().check(presented, TOKEN, NOW)


def test_a_secret_is_forgotten_once_it_is_read() -> None:
    assert SECRET not in repr(BearerToken.from_header(f"Bearer 7|{SECRET}"))


def test_an_unauthorized_caller_is_not_told_why() -> None:
    with pytest.raises(Unauthorized) as caught:
        BearerToken.from_header(f"Bearer x|{SECRET}")
    assert str(caught.value) == ""


# Tokens


def test_the_token_that_is_presented_is_let_in() -> None:
    assert TokenPolicy().check(PRESENTED, TOKEN, NOW) is TOKEN
    assert TokenPolicy().check(BearerToken(None, DIGEST), TOKEN, NOW).user_id == 42


def test_an_unknown_token_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        TokenPolicy().check(PRESENTED, None, NOW)


@pytest.mark.parametrize("length", [0, 1, 32, 63])
def test_half_a_hash_is_not_the_hash(length: int) -> None:
    """The whole of both is compared: neither may be a prefix of the other."""
    for token, presented in (
        (replace(TOKEN, token_hash=DIGEST[:length]), PRESENTED),
        (TOKEN, BearerToken(7, DIGEST[:length])),
    ):
        with pytest.raises(Unauthorized):
            TokenPolicy().check(presented, token, NOW)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_hash_that_differs_anywhere_is_unauthorized(place: int, digit: str) -> None:
    assume(DIGEST[place] != digit)
    other = DIGEST[:place] + digit + DIGEST[place + 1 :]
    with pytest.raises(Unauthorized):
        TokenPolicy().check(PRESENTED, replace(TOKEN, token_hash=other), NOW)


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(a: str, b: str) -> bool:
        compared.append({a, b})
        return a == b

    monkeypatch.setattr("workspace_usage.access.tokens.compare_digest", compare_digest)
    other = BearerToken(7, sha256(b"another").hexdigest())
    with pytest.raises(Unauthorized):
        TokenPolicy().check(other, TOKEN, NOW)
    TokenPolicy().check(PRESENTED, TOKEN, NOW)
    assert compared == [{other.digest, DIGEST}, {DIGEST}]


@pytest.mark.parametrize(
    ("age", "is_alive"),
    [(-timedelta(days=1), True), (-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)],
)
def test_a_token_is_dead_from_expires_at_on(age: timedelta, is_alive: bool) -> None:
    """``age`` is the time since ``expires_at``."""
    assert_alive(TokenPolicy(), replace(TOKEN, expires_at=NOW - age), is_alive)


@pytest.mark.parametrize(
    ("age", "is_alive"),
    [
        (timedelta(), True),
        (timedelta(minutes=60) - MICROSECOND, True),
        (timedelta(minutes=60), False),
        (timedelta(days=400), False),
    ],
)
def test_a_token_is_dead_once_its_lifetime_is_over(age: timedelta, is_alive: bool) -> None:
    token = replace(TOKEN, created_at=NOW - age)
    assert_alive(TokenPolicy(lifetime=timedelta(minutes=60)), token, is_alive)
    assert_alive(TokenPolicy(), token, is_alive=True)


def test_whichever_comes_first_ends_a_token() -> None:
    policy = TokenPolicy(lifetime=timedelta(minutes=60))
    young = replace(TOKEN, created_at=NOW - timedelta(minutes=59))
    assert_alive(policy, replace(young, expires_at=NOW + MICROSECOND), is_alive=True)
    assert_alive(policy, replace(young, expires_at=NOW), is_alive=False)
    assert_alive(policy, replace(TOKEN, expires_at=NOW + MICROSECOND), is_alive=False)


def test_where_tokens_have_a_lifetime_one_of_unknown_age_is_dead() -> None:
    ageless = replace(TOKEN, created_at=None)
    assert_alive(TokenPolicy(lifetime=timedelta(minutes=60)), ageless, is_alive=False)
    assert_alive(TokenPolicy(), ageless, is_alive=True)


@pytest.mark.parametrize(
    ("asked", "is_alive"),
    [
        (None, True),
        ("App\\Models\\User", True),
        ("App\\Models\\Admin", False),
        ("App\\Models", False),
        ("app\\models\\user", False),
    ],
)
def test_a_deployment_may_ask_for_tokens_of_one_model(asked: str | None, is_alive: bool) -> None:
    assert_alive(TokenPolicy(tokenable_type=asked), TOKEN, is_alive)


def assert_alive(policy: TokenPolicy, token: AccessToken, is_alive: bool) -> None:
    if is_alive:
        assert policy.check(PRESENTED, token, NOW) is token
    else:
        with pytest.raises(Unauthorized):
            policy.check(PRESENTED, token, NOW)


@pytest.mark.parametrize(
    ("abilities", "allowed"),
    [
        ({USE_AGENTS}, True),
        ({"*"}, True),
        ({"read", USE_AGENTS, "write"}, True),
        (set(), False),
        ({"use_agent", "use_agents "}, False),
        ({"USE_AGENTS"}, False),
        ({"use_*", "use_agents:*", "**"}, False),
    ],
)
def test_an_ability_is_had_by_its_name_or_by_the_star(abilities: set[str], allowed: bool) -> None:
    assert replace(TOKEN, abilities=frozenset(abilities)).allows(USE_AGENTS) == allowed


# Scopes

permissions = st.frozensets(st.sampled_from([READ_USERS_ACTIVITY, "*", "admin", "read_users"]))
memberships = st.builds(Membership, ids, ids, permissions)


@given(memberships)
def test_only_the_permission_shows_the_whole_workspace(membership: Membership) -> None:
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
def test_own_runs_are_all_that_their_owner_may_ask_for(
    workspace_id: int, user_id: int, other: int
) -> None:
    assume(other != user_id)
    scope = OwnRuns(workspace_id, user_id)
    assert scope.narrow_to_user(None) == scope.narrow_to_user(user_id) == scope
    with pytest.raises(Forbidden, match="forbidden_user"):
        scope.narrow_to_user(other)


# A scope's way through the gateway


def assert_denied(context: dict[str, object], workspace_id: int) -> None:
    with pytest.raises(Forbidden, match="forbidden_member"):
        from_context(context, workspace_id)


@given(memberships)
def test_a_context_gives_back_the_membership_s_scope(membership: Membership) -> None:
    context = to_context(membership)
    assert all(isinstance(value, str) for value in context.values())
    assert from_context(context, membership.workspace_id) == membership.scope
    # `sam local` leaves numbers as they are.
    numbers = {**context, "user_id": membership.user_id, "workspace_id": membership.workspace_id}
    assert from_context(numbers, membership.workspace_id) == membership.scope


@given(memberships, ids)
def test_a_context_counts_for_its_own_workspace_only(membership: Membership, other: int) -> None:
    assume(other != membership.workspace_id)
    assert_denied(dict(to_context(membership)), other)


WHOLE: dict[str, object] = {"user_id": "42", "workspace_id": "11", "sees": "everyone"}


@pytest.mark.parametrize("scope", [WholeWorkspace(11), OwnRuns(11, 42)])
def test_a_context_says_what_is_seen(scope: Scope) -> None:
    sees = "everyone" if isinstance(scope, WholeWorkspace) else "own"
    assert from_context({**WHOLE, "sees": sees}, 11) == scope


@pytest.mark.parametrize("name", WHOLE)
def test_a_context_that_lacks_a_part_is_denied(name: str) -> None:
    assert_denied({key: value for key, value in WHOLE.items() if key != name}, 11)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    "value", ["", "0", "011", "11.0", "-1", " 11", "None", "Everyone", "OWN", "all", "true", "\x00"]
)
def test_a_context_with_a_garbled_part_is_denied(name: str, value: str) -> None:
    assert_denied({**WHOLE, name: value}, 11)


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), json_values()))
@example({"sees": "own"})
def test_any_context_is_denied_or_gives_no_more_than_it_says(parts: dict[str, object]) -> None:
    context = {**WHOLE, **parts}
    try:
        scope = from_context(context, 11)
    except Forbidden:
        return
    assert str(context["workspace_id"]) == "11"
    own = OwnRuns(11, int(str(context["user_id"])))
    assert scope == {"everyone": WholeWorkspace(11), "own": own}[str(context["sees"])]


def test_no_context_is_denied() -> None:
    assert_denied({}, 11)
